//! The user table: `auth_user`, or whatever `AUTH_USER_MODEL` names.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};

use super::Identifier;
use crate::codec::{Secret, integer, uuid};
use crate::error::Error;
use crate::store::{Db, Held};

/// What kind of key the table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdKind {
    /// `AutoField`, `BigAutoField`: a number.
    Integer,
    /// `UUIDField`: 32 hexadecimal digits in the file, hyphenated in texts.
    Uuid,
}

/// A primary key, comparable and printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserId {
    /// A number.
    Integer(i64),
    /// A UUID as 32 hexadecimal digits, or the key of a user that is in no table of ours.
    Text(Box<str>),
}

impl UserId {
    fn read(kind: IdKind, value: ValueRef<'_>) -> rusqlite::Result<Self> {
        match (kind, value) {
            (IdKind::Integer, ValueRef::Integer(id)) => Ok(Self::Integer(id)),
            (IdKind::Uuid, ValueRef::Text(_)) => Ok(Self::Text(value.as_str()?.into())),
            _ => Err(rusqlite::Error::InvalidQuery),
        }
    }

    /// The value as the database has it.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Integer(id) => Value::Integer(*id),
            Self::Text(digits) => Value::Text(digits.to_string()),
        }
    }
}

impl std::fmt::Display for UserId {
    /// Python's `str(user.pk)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(id) => id.fmt(f),
            Self::Text(digits) => f.write_str(&uuid::hyphenated(digits).unwrap_or_else(|| digits.to_string())),
        }
    }
}

/// One user, without the password.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub id: UserId,
    /// Name and e-mail, each followed by a NUL: one allocation, and C can borrow both.
    texts: Box<str>,
    name_len: usize,
    pub is_active: bool,
    pub is_staff: bool,
    pub is_superuser: bool,
    /// A token says so, and no table was asked: the key may be that of somebody else here.
    pub is_claimed: bool,
}

impl User {
    /// The value of `USERNAME_FIELD`.
    pub(crate) fn name(&self) -> &str {
        &self.texts[..self.name_len]
    }

    /// The e-mail address; empty when there is none.
    pub(crate) fn email(&self) -> &str {
        &self.texts[self.name_len + 1..self.texts.len() - 1]
    }

    /// The name as a C string that lives as long as `self`.
    pub(crate) fn name_c(&self) -> *const std::ffi::c_char {
        self.texts.as_ptr().cast()
    }

    /// The address as a C string that lives as long as `self`.
    pub(crate) fn email_c(&self) -> *const std::ffi::c_char {
        self.texts[self.name_len + 1..].as_ptr().cast()
    }

    /// Whether both are one user: a claimed one never is one of a table.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.is_claimed == other.is_claimed
    }

    /// A user that is in no table: somebody else's word says who it is. `None`: not with such a name.
    pub(crate) fn of_claims(id: UserId, name: &str, [is_staff, is_superuser]: [bool; 2]) -> Option<Self> {
        let user = Self::with_texts(id, name, "", [true, is_staff, is_superuser])?;
        Some(Self { is_claimed: true, ..user })
    }

    /// A user that is in no table, for tests of what needs one.
    #[cfg(test)]
    pub(crate) fn foreign(id: &str, name: &str) -> Option<Self> {
        let id = id.parse().map_or_else(|_| UserId::Text(id.into()), UserId::Integer);
        Self::with_texts(id, name, "", [true, false, false])
    }

    fn with_texts(id: UserId, name: &str, email: &str, flags: [bool; 3]) -> Option<Self> {
        if name.contains('\0') || email.contains('\0') {
            return None;
        }
        let mut texts = String::with_capacity(name.len() + email.len() + 2);
        texts.push_str(name);
        texts.push('\0');
        texts.push_str(email);
        texts.push('\0');
        let [is_active, is_staff, is_superuser] = flags;
        let (texts, name_len) = (texts.into_boxed_str(), name.len());
        Some(Self { id, texts, name_len, is_active, is_staff, is_superuser, is_claimed: false })
    }
}

/// A user with the stored password.
pub(crate) struct PasswordRow {
    pub user: User,
    /// Django's encoded hash.
    pub encoded: Secret,
}

/// What a new user row needs.
pub(crate) struct NewUser<'a> {
    pub name: &'a str,
    pub email: &'a str,
    pub encoded: &'a str,
    pub is_staff: bool,
    pub is_superuser: bool,
    /// Django's text of the moment.
    pub now: &'a str,
    /// Random bytes for a UUID key.
    pub random: [u8; 16],
}

/// The names of the table and its columns. `None`: the model has no such field.
#[derive(Debug, Clone)]
pub(crate) struct UsersTable {
    pub table: Identifier,
    pub kind: IdKind,
    pub id: Identifier,
    pub username: Identifier,
    pub password: Identifier,
    pub email: Option<Identifier>,
    pub is_active: Option<Identifier>,
    pub is_staff: Option<Identifier>,
    pub is_superuser: Option<Identifier>,
    pub date_joined: Option<Identifier>,
    /// Text columns that Django fills with an empty text (`first_name`, `last_name`).
    pub empty_texts: Vec<Identifier>,
    /// Written by logins.
    pub last_login: Option<Identifier>,
    by_name: String,
    by_key: String,
}

impl UsersTable {
    /// Completes the names with the statements made of them.
    pub(crate) fn prepare(mut self) -> Self {
        let columns = self.columns("u");
        let select = format!("SELECT {columns}, u.{} FROM {} u WHERE", self.password, self.table);
        self.by_name = format!("{select} u.{} = ?1", self.username);
        self.by_key = format!("{select} u.{} = ?1", self.id);
        self
    }

    /// A table of these names; the rest is filled in by [`Self::prepare`].
    pub(crate) fn named(table: Identifier, kind: IdKind, [id, username, password]: [Identifier; 3]) -> Self {
        Self {
            table,
            kind,
            id,
            username,
            password,
            email: None,
            is_active: None,
            is_staff: None,
            is_superuser: None,
            date_joined: None,
            empty_texts: Vec::new(),
            last_login: None,
            by_name: String::new(),
            by_key: String::new(),
        }
    }

    /// The select list that [`Self::read`] reads from column 0 on.
    pub(super) fn columns(&self, alias: &str) -> String {
        let column = |name: &Option<Identifier>, absent: &str| match name {
            Some(name) => format!("{alias}.{name}"),
            None => absent.to_owned(),
        };
        [
            format!("{alias}.{}", self.id),
            format!("{alias}.{}", self.username),
            column(&self.email, "''"),
            column(&self.is_active, "1"),
            column(&self.is_staff, "0"),
            column(&self.is_superuser, "0"),
        ]
        .join(", ")
    }

    /// How many columns [`Self::columns`] selects.
    pub(super) const COLUMNS: usize = 6;

    /// Reads a user from a row of [`Self::columns`].
    pub(super) fn read(&self, row: &Row<'_>) -> rusqlite::Result<User> {
        let id = UserId::read(self.kind, row.get_ref(0)?)?;
        // A nullable e-mail column of a custom model.
        let email = row.get_ref(2)?.as_str_or_null()?.unwrap_or_default();
        let flags = [row.get(3)?, row.get(4)?, row.get(5)?];
        User::with_texts(id, row.get_ref(1)?.as_str()?, email, flags).ok_or(rusqlite::Error::InvalidQuery)
    }

    /// The key in a text as `str(pk)` shows it; `None` when no such key can exist.
    pub(crate) fn parse_id(&self, text: &str) -> Option<UserId> {
        match self.kind {
            IdKind::Integer => integer::parse(text).map(UserId::Integer),
            IdKind::Uuid => uuid::stored(text).map(|digits| UserId::Text(digits.into())),
        }
    }

    /// The user of a name, with the stored password.
    pub(crate) fn password_by_name(&self, db: &Db, name: &str) -> Result<Option<PasswordRow>, Error> {
        db.access()?.with_held(Held::Password, &self.by_name, |statement| {
            statement.query_row([name], |row| self.read_with_password(row)).optional()
        })
    }

    /// The user of a key, with the stored password.
    pub(crate) fn password_by_id(&self, db: &Db, id: &UserId) -> Result<Option<PasswordRow>, Error> {
        db.access()?.with_held(Held::PasswordById, &self.by_key, |statement| {
            statement.query_row([id.to_value()], |row| self.read_with_password(row)).optional()
        })
    }

    /// The user of whom a column says so, with the stored password; `None` as well when several are.
    pub(crate) fn password_by_column(
        &self,
        db: &Db,
        column: &Identifier,
        text: &str,
    ) -> Result<Option<PasswordRow>, Error> {
        let columns = self.columns("u");
        let sql = format!("SELECT {columns}, u.{} FROM {} u WHERE u.{column} = ?1 LIMIT 2", self.password, self.table);
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let rows = statement.query_map([text], |row| self.read_with_password(row))?;
        let mut rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        Ok(if rows.len() == 1 { rows.pop() } else { None })
    }

    /// What a column says of a user, as a text. `None`: no such user, or nothing.
    pub(crate) fn column_of(&self, db: &Db, column: &Identifier, id: &UserId) -> Result<Option<String>, Error> {
        let sql = format!("SELECT CAST(u.{column} AS TEXT) FROM {} u WHERE u.{} = ?1", self.table, self.id);
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        Ok(statement.query_row([id.to_value()], |row| row.get(0)).optional()?.flatten())
    }

    fn read_with_password(&self, row: &Row<'_>) -> rusqlite::Result<PasswordRow> {
        let encoded = Secret::new(row.get_ref(Self::COLUMNS)?.as_str()?);
        Ok(PasswordRow { user: self.read(row)?, encoded })
    }

    /// The user of a name.
    pub(crate) fn by_name(&self, db: &Db, name: &str) -> Result<Option<User>, Error> {
        self.one(db, &self.username, &Value::Text(name.to_owned()))
    }

    /// The user of a key.
    pub(crate) fn by_id(&self, db: &Db, id: &UserId) -> Result<Option<User>, Error> {
        self.one(db, &self.id, &id.to_value())
    }

    /// All users of an e-mail address, compared as stored.
    pub(crate) fn by_email(&self, db: &Db, email: &str) -> Result<Vec<User>, Error> {
        let Some(column) = &self.email else { return Ok(Vec::new()) };
        let sql = self.select(&format!("u.{column} = ?1"));
        self.many(db, &sql, &[Value::Text(email.to_owned())])
    }

    /// Every user, in order of the key.
    pub(crate) fn all(&self, db: &Db) -> Result<Vec<User>, Error> {
        let sql = format!("{} ORDER BY u.{}", self.select("1"), self.id);
        self.many(db, &sql, &[])
    }

    /// Adds a row, and in the same transaction what `also` adds for the new user. `Ok(None)`: the name
    /// is taken.
    pub(crate) fn insert(
        &self,
        db: &Db,
        new: &NewUser<'_>,
        also: impl FnOnce(&Connection, &User) -> Result<(), Error>,
    ) -> Result<Option<User>, Error> {
        let (names, values) = self.new_row(new);
        let places: Vec<String> = (1..=values.len()).map(|i| format!("?{i}")).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", self.table, names.join(", "), places.join(", "));
        let access = db.access()?;
        access.transaction(|connection| {
            match connection.execute(&sql, rusqlite::params_from_iter(values)) {
                Ok(_) => {}
                Err(e) if is_unique_violation(&e) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
            let by_row = self.select("u.rowid = last_insert_rowid()");
            let Some(user) = connection.query_row(&by_row, [], |row| self.read(row)).optional()? else {
                return Ok(None);
            };
            also(connection, &user)?;
            Ok(Some(user))
        })
    }

    /// Replaces the stored password. False: no such user.
    pub(crate) fn set_password(&self, db: &Db, id: &UserId, encoded: &str) -> Result<bool, Error> {
        let sql = format!("UPDATE {} SET {} = ?2 WHERE {} = ?1", self.table, self.password, self.id);
        self.update(db, &sql, [id.to_value(), Value::Text(encoded.to_owned())])
    }

    /// Replaces the stored password if it is still `old`: a login that computes a better hash must
    /// not undo a change of the password meanwhile. False: it is not, or there is no such user.
    pub(crate) fn swap_password(&self, db: &Db, id: &UserId, old: &str, new: &str) -> Result<bool, Error> {
        let sql = format!("UPDATE {0} SET {1} = ?3 WHERE {2} = ?1 AND {1} = ?2", self.table, self.password, self.id);
        let values = [id.to_value(), Value::Text(old.to_owned()), Value::Text(new.to_owned())];
        self.update(db, &sql, values)
    }

    /// Notes the moment of a login, as Django's `update_last_login` does. False: no such user, or
    /// the model has no such field.
    pub(crate) fn set_last_login(&self, db: &Db, id: &UserId, now: &str) -> Result<bool, Error> {
        let Some(column) = &self.last_login else { return Ok(false) };
        let sql = format!("UPDATE {} SET {column} = ?2 WHERE {} = ?1", self.table, self.id);
        self.update(db, &sql, [id.to_value(), Value::Text(now.to_owned())])
    }

    /// Sets or clears `is_active`. False: no such user.
    pub(crate) fn set_active(&self, db: &Db, id: &UserId, active: bool) -> Result<bool, Error> {
        let Some(column) = &self.is_active else {
            return Err(Error::Unsupported("the user table has no is_active column"));
        };
        let sql = format!("UPDATE {} SET {column} = ?2 WHERE {} = ?1", self.table, self.id);
        self.update(db, &sql, [id.to_value(), Value::Integer(active.into())])
    }

    /// The columns that the model is said to have.
    #[cfg(feature = "cli")]
    pub(crate) fn names(&self) -> Vec<&Identifier> {
        let perhaps =
            [&self.email, &self.is_active, &self.is_staff, &self.is_superuser, &self.date_joined, &self.last_login];
        let required = [&self.id, &self.username, &self.password];
        required.into_iter().chain(perhaps.into_iter().flatten()).chain(&self.empty_texts).collect()
    }

    /// Shows every user's name and stored password to `see`.
    #[cfg(feature = "cli")]
    pub(crate) fn each_password(&self, db: &Db, mut see: impl FnMut(&str, &str)) -> Result<(), Error> {
        let sql = format!("SELECT {}, {} FROM {}", self.username, self.password, self.table);
        let access = db.access()?;
        let mut statement = access.connection()?.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text = |column| Ok::<_, Error>(row.get_ref(column)?.as_str().unwrap_or_default());
            see(text(0)?, text(1)?);
        }
        Ok(())
    }

    /// Django's text of the last login of all.
    #[cfg(feature = "cli")]
    pub(crate) fn last_login_of_all(&self, db: &Db) -> Result<Option<String>, Error> {
        let Some(column) = &self.last_login else { return Ok(None) };
        let sql = format!("SELECT max({column}) FROM {}", self.table);
        Ok(db.access()?.connection()?.query_row(&sql, [], |row| row.get(0))?)
    }

    fn new_row(&self, new: &NewUser<'_>) -> (Vec<String>, Vec<Value>) {
        let text = |t: &str| Value::Text(t.to_owned());
        let mut row = vec![(&self.username, text(new.name)), (&self.password, text(new.encoded))];
        if self.kind == IdKind::Uuid {
            row.push((&self.id, Value::Text(uuid::random(new.random))));
        }
        let flags = [
            (&self.email, text(new.email)),
            (&self.is_active, Value::Integer(1)),
            (&self.is_staff, Value::Integer(new.is_staff.into())),
            (&self.is_superuser, Value::Integer(new.is_superuser.into())),
            (&self.date_joined, text(new.now)),
        ];
        row.extend(flags.into_iter().filter_map(|(name, value)| name.as_ref().map(|name| (name, value))));
        row.extend(self.empty_texts.iter().map(|name| (name, text(""))));
        // With e-mail logins both options name one column: the name wins.
        let mut seen: Vec<&Identifier> = Vec::new();
        row.retain(|(name, _)| {
            !seen.contains(name) && {
                seen.push(name);
                true
            }
        });
        row.into_iter().map(|(name, value)| (name.to_string(), value)).unzip()
    }

    fn select(&self, condition: &str) -> String {
        format!("SELECT {} FROM {} u WHERE {condition}", self.columns("u"), self.table)
    }

    fn one(&self, db: &Db, column: &Identifier, value: &Value) -> Result<Option<User>, Error> {
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&self.select(&format!("u.{column} = ?1")))?;
        Ok(statement.query_row([value], |row| self.read(row)).optional()?)
    }

    fn many(&self, db: &Db, sql: &str, values: &[Value]) -> Result<Vec<User>, Error> {
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(sql)?;
        let users = statement.query_map(rusqlite::params_from_iter(values), |row| self.read(row))?;
        Ok(users.collect::<Result<_, _>>()?)
    }

    fn update<const N: usize>(&self, db: &Db, sql: &str, values: [Value; N]) -> Result<bool, Error> {
        let access = db.access()?;
        access.transaction(|connection| Ok(connection.execute(sql, rusqlite::params_from_iter(values))? == 1))
    }
}

/// Whether an insert met a row with the same unique value.
pub(super) fn is_unique_violation(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
        || code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
}
