//! Schemes that are not ours, a host's own or a plug-in's: DRF's "Custom authentication", a function
//! behind the C ABI.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Scheme, Stop};
use crate::accounts::users::{self, By};
use crate::codec::vouched;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::request::Request;
use crate::verdict::{About, Auth, Effects, Identity, Kind, Refusal, active};

/// What a host's function can say.
pub(crate) enum Answer {
    /// This user of the database, named as a login names it.
    User(String),
    /// Refused, with a text for the client.
    Refuse(String),
    /// Not mine.
    Pass,
    /// No answer, for this reason.
    Broken(String),
}

/// A function of the host, made safe by `capi`. `None`: it gave no answer, or panicked.
pub(crate) trait Host: Send + Sync {
    /// Asks the host's function.
    fn ask(&self, request: &Request<'_>) -> Option<Answer>;
    /// The host's challenge.
    fn challenge(&self) -> Option<&str>;
}

/// A scheme as a host or a plug-in offers it, before a table of the configuration makes one of it.
pub(crate) trait Offer: Send + Sync {
    /// The scheme with these settings.
    fn make(&self, settings: Settings) -> Result<Arc<dyn Host>, Complaint>;
}

/// Schemes on offer, by their names.
pub(crate) type Offers = Vec<(String, Arc<dyn Offer>)>;

/// What a shared object offers; the error says what is wrong with it.
pub(crate) type Loader = fn(&Path) -> Result<Offers, String>;

/// What a configuration says to a scheme.
pub(crate) struct Settings {
    /// The name that the configuration gives the scheme.
    pub scheme: String,
    /// Options in their order; no text has a NUL.
    pub list: Vec<(String, Setting)>,
}

/// The value of an option.
pub(crate) enum Setting {
    /// A text, or what a file or variable says that is named in its place.
    Text(Zeroizing<String>),
    Integer(i64),
    Boolean(bool),
    /// Something that no scheme takes.
    Other,
}

/// What a scheme finds wrong with its settings. Options are told by their place in the list.
pub(crate) enum Complaint {
    /// No such option; these there are.
    Unknown(usize, Vec<String>),
    /// The option takes another value: this.
    Expected(usize, String),
    /// In words of the scheme's own, about an option or all of it.
    Refused(Option<usize>, String),
}

/// A scheme that asks the host.
pub(crate) struct Custom {
    name: String,
    host: Arc<dyn Host>,
}

impl Custom {
    /// The scheme of this name.
    pub(crate) fn new(name: &str, host: Arc<dyn Host>) -> Self {
        Self { name: name.to_owned(), host }
    }

    fn identity(&self, name: &str, ctx: &Ctx<'_>, effects: &mut Effects) -> Result<Identity, Stop> {
        // The host vouches for the name only; that the user exists and may log in is still asked
        // here, so that no scheme lets in somebody who was switched off.
        let mut about = |refusal: Refusal| {
            effects.login_failed(name);
            refusal.about(About::Name(name.to_owned()))
        };
        let user = users::find(ctx, &By::Name(name))?.ok_or_else(|| about(NO_SUCH_USER))?;
        Ok(Identity::new(active(user).map_err(about)?, vouched(), Auth::None))
    }
}

impl Scheme for Custom {
    fn authenticate(
        &self,
        request: &Request<'_>,
        ctx: &Ctx<'_>,
        effects: &mut Effects,
    ) -> Result<Option<Identity>, Stop> {
        match self.host.ask(request) {
            Some(Answer::User(name)) => self.identity(&name, ctx, effects).map(Some),
            Some(Answer::Pass) => Ok(None),
            Some(Answer::Refuse(detail)) => {
                Err(Refusal::of(Kind::AuthenticationFailed, "custom.refused", detail).into())
            }
            Some(Answer::Broken(why)) => Err(Error::Scheme(format!("{}: {why}", self.name)).into()),
            None => Err(Error::Scheme(format!("{} gave no answer", self.name)).into()),
        }
    }

    fn challenge(&self) -> Option<&str> {
        self.host.challenge()
    }

    fn reads(&self) -> &'static str {
        "the request"
    }
}

/// The text of the guide's example.
const NO_SUCH_USER: Refusal = Refusal::failed("custom.no_such_user", "No such user");
