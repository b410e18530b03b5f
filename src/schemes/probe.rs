//! The oracle's three test classes, so that recorded chains can be replayed: one that never finds
//! anything, one that always fails, one that always denies. No configuration file can name them.

use super::{Building, Scheme, SchemeDef, Stop};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::options::{Kind, OptionDef, Values};
use crate::request::Request;
use crate::verdict::{Effects, Identity, Refusal};

pub(super) const NEVER: SchemeDef = SchemeDef {
    name: "never",
    peer: "DRF",
    class: "NeverAuth",
    doc: "Passes.",
    options: &[],
    takes_passwords: false,
    writes: false,
    build: never,
};
pub(super) const FAIL: SchemeDef = SchemeDef {
    name: "fail",
    peer: "DRF",
    class: "FailAuth",
    doc: "Refuses.",
    options: &[OptionDef { name: "challenge", kind: Kind::Text, default: "\"\"", doc: "Its challenge." }],
    takes_passwords: false,
    writes: false,
    build: fail,
};
pub(super) const DENY: SchemeDef = SchemeDef {
    name: "deny",
    peer: "DRF",
    class: "DenyAuth",
    doc: "Denies.",
    options: &[],
    takes_passwords: false,
    writes: false,
    build: deny,
};

struct Probe {
    refusal: Option<Refusal>,
    challenge: Option<String>,
}

fn never(_: &Values, _: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    Ok(Box::new(Probe { refusal: None, challenge: None }))
}

fn fail(options: &Values, _: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let challenge = Some(options.text("challenge").to_owned()).filter(|c| !c.is_empty());
    Ok(Box::new(Probe { refusal: Some(Refusal::failed("probe.fail", "Bad credentials")), challenge }))
}

fn deny(_: &Values, _: &mut Building<'_>) -> Result<Box<dyn Scheme>, Error> {
    let refusal = Refusal::denied("probe.deny", "Denied by scheme");
    Ok(Box::new(Probe { refusal: Some(refusal), challenge: None }))
}

impl Scheme for Probe {
    fn authenticate(&self, _: &Request<'_>, _: &Ctx<'_>, _: &mut Effects) -> Result<Option<Identity>, Stop> {
        match &self.refusal {
            None => Ok(None),
            Some(refusal) => Err(refusal.clone().into()),
        }
    }

    fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }

    fn reads(&self) -> &'static str {
        "nothing"
    }
}
