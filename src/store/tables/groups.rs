//! `auth_group` and the table that joins it to the users.

use super::Identifier;
use super::users::UserId;
use crate::error::Error;
use crate::store::Db;

/// The names of the joining table; `auth_group` itself cannot be renamed in Django.
#[derive(Debug, Clone)]
pub(crate) struct GroupsTable {
    pub membership: Identifier,
    pub user: Identifier,
}

impl GroupsTable {
    /// The names of the user's groups, in alphabetical order.
    pub(crate) fn of(&self, db: &Db, user: &UserId) -> Result<Vec<String>, Error> {
        let sql = format!(
            "SELECT g.name FROM auth_group g JOIN {} m ON m.group_id = g.id WHERE m.{} = ?1 ORDER BY g.name",
            self.membership, self.user
        );
        let access = db.access()?;
        let mut statement = access.connection()?.prepare_cached(&sql)?;
        let names = statement.query_map([user.to_value()], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }
}
