//! What a file says, option by option, for those who judge a configuration and do not use it.

use std::path::{Path, PathBuf};

use super::node::{Data, Key, Node};
use super::read::Source;
use super::{Origin, read, tables, with_overrides};
use crate::accounts::tokens::Tokens;
use crate::endpoints::{ENDPOINTS, EndpointDef, Writes};
use crate::error::Report;
use crate::options::{Kind, Values};
use crate::schemes::{SCHEMES, SchemeDef};

/// A file that [`super::Config::load`] accepts, as it is written.
pub(crate) struct Survey {
    /// The keys at the top, with every default filled in.
    pub top: Values,
    /// The files that hold secrets.
    pub secret_files: Vec<PathBuf>,
    /// The environment variables that hold secrets.
    pub variables: Vec<String>,
    /// Whether a secret stands in the file itself.
    pub has_inline_secret: bool,
    /// `[schemes.NAME]`, and the items of chains that say more than a name.
    pub schemes: Vec<Written>,
    /// `[endpoints.NAME]`.
    pub endpoints: Vec<Written>,
    /// The folder that paths start from.
    base: PathBuf,
}

/// A table as it is written.
pub(crate) struct Written {
    /// Its name; the scheme's in an item of a chain.
    pub name: String,
    members: Vec<(Key, Node)>,
    /// Whether this is an item of a chain.
    pub is_item: bool,
}

impl Survey {
    /// Reads a file anew.
    pub(crate) fn of(origin: &Origin) -> Result<Self, Report> {
        let (file, base) = (file(origin), base(origin));
        let written = written(origin)?;
        let signs = |scheme: &Written| scheme.text("signing_key").is_some_and(|key| !key.is_empty());
        let has_inline_secret =
            has_inline_secret(members(&written)) || tables_of(&written, "schemes").iter().any(signs);
        let variables = written.references("env").into_iter().map(str::to_owned).collect();
        let root = with_overrides(written, &origin.overrides);
        let source = Source { file: &file, base, inline: false };
        let names: Vec<_> = tables::TABLES.iter().map(|(name, _)| *name).collect();
        let mut schemes = tables_of(&root, "schemes");
        schemes.extend(tables_of(&root, "chains").iter().flat_map(items));
        Ok(Self {
            top: source.values(members(&root), tables::TOP, &names, "the file", root.place)?,
            secret_files: Self::secret_files(origin)?,
            variables,
            has_inline_secret,
            schemes,
            endpoints: tables_of(&root, "endpoints"),
            base: base.to_owned(),
        })
    }

    /// The row of a scheme in the table; a host's own has none.
    pub(crate) fn scheme(&self, name: &str) -> Option<&'static SchemeDef> {
        let written = self.schemes.iter().find(|scheme| !scheme.is_item && scheme.name == name);
        let kind = written.map_or(name, Written::kind);
        SCHEMES.iter().find(|def| def.name == kind)
    }

    /// A path that the file names.
    pub(crate) fn path(&self, named: &str) -> PathBuf {
        self.base.join(named)
    }

    /// The files that hold secrets, whether or not they can be read.
    pub(crate) fn secret_files(origin: &Origin) -> Result<Vec<PathBuf>, Report> {
        let written = written(origin)?;
        Ok(written.references("file").into_iter().map(|path| base(origin).join(path)).collect())
    }

    /// The shared objects that hold schemes, whether or not they can be loaded.
    pub(crate) fn plugins(origin: &Origin) -> Result<Vec<PathBuf>, Report> {
        let schemes = tables_of(&written(origin)?, "schemes");
        Ok(schemes.iter().filter_map(|scheme| scheme.text("plugin")).map(PathBuf::from).collect())
    }
}

impl Written {
    /// The text of a key.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.members.iter().find(|(key, _)| key.text == name);
        found.and_then(|(_, node)| if let Data::Text(text) = &node.data { Some(text.as_str()) } else { None })
    }

    /// The scheme that an endpoint is about.
    pub(crate) fn scheme(&self) -> Option<&str> {
        self.endpoint()?.usual_scheme().map(|usual| self.text("scheme").unwrap_or(usual))
    }

    /// Whether one can try passwords at an endpoint.
    pub(crate) fn takes_passwords(&self) -> bool {
        self.endpoint().is_some_and(|def| def.takes_passwords)
    }

    /// Whether an endpoint has no answer where the database cannot be written.
    pub(crate) fn needs_writing(&self, tokens: &[(String, Tokens)]) -> bool {
        let has_tables = || {
            let own = tokens.iter().find(|(name, _)| Some(name.as_str()) == self.scheme());
            !matches!(own, Some((_, Tokens::Jwt(jwt))) if !jwt.has_tables)
        };
        match self.endpoint().map(|def| def.writes) {
            None | Some(Writes::Never) => false,
            Some(Writes::Tokens) => self.is("update_last_login") || has_tables(),
            Some(Writes::Always) => true,
        }
    }

    fn endpoint(&self) -> Option<&'static EndpointDef> {
        ENDPOINTS.iter().find(|def| def.name == self.kind())
    }

    /// Whether a key is `true`.
    fn is(&self, name: &str) -> bool {
        self.members.iter().any(|(key, node)| key.text == name && matches!(node.data, Data::Boolean(true)))
    }

    /// Its `type`, else its name, which then is the type.
    pub(crate) fn kind(&self) -> &str {
        self.text("type").unwrap_or(&self.name)
    }
}

fn file(origin: &Origin) -> String {
    origin.path.as_deref().map(|path| path.display().to_string()).unwrap_or_default()
}

fn base(origin: &Origin) -> &Path {
    let own_folder = origin.path.as_deref().and_then(Path::parent);
    origin.base.as_deref().or(own_folder).unwrap_or(Path::new("."))
}

fn written(origin: &Origin) -> Result<Node, Report> {
    let path = origin.path.as_deref().unwrap_or(Path::new(""));
    let text = origin.text.clone().map_or_else(|| read(path), Ok)?;
    Node::from_toml(&text, &file(origin))
}

fn members(node: &Node) -> &[(Key, Node)] {
    if let Data::Table(members) = &node.data { members } else { &[] }
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    members(node).iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
}

fn tables_of(root: &Node, section: &str) -> Vec<Written> {
    let tables = member(root, section).map(members).unwrap_or_default().iter();
    tables
        .map(|(key, node)| Written { name: key.text.clone(), members: members(node).to_vec(), is_item: false })
        .collect()
}

/// The items of a chain that are tables.
fn items(chain: &Written) -> Vec<Written> {
    let Some((_, Node { data: Data::List(items), .. })) = chain.members.iter().find(|(key, _)| key.text == "schemes")
    else {
        return vec![];
    };
    let named = items.iter().filter_map(|item| match member(item, "scheme")?.data {
        Data::Text(ref name) => Some(Written { name: name.clone(), members: members(item).to_vec(), is_item: true }),
        _ => None,
    });
    named.collect()
}

fn has_inline_secret(members: &[(Key, Node)]) -> bool {
    let secrets = tables::TOP.iter().copied().flatten().filter(|o| matches!(o.kind, Kind::Secret | Kind::Secrets));
    let written = |node: &Node| match &node.data {
        Data::Text(_) => true,
        Data::List(items) => items.iter().any(|item| matches!(item.data, Data::Text(_))),
        _ => false,
    };
    secrets.into_iter().any(|option| members.iter().any(|(key, node)| key.text == option.name && written(node)))
}
