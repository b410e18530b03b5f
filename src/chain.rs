//! The chain: schemes asked in order, DRF's rule for the status, and the five control words.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use crate::ctx::{Ctx, Rates};
use crate::error::Error;
use crate::options::{Kind as OptionKind, OptionDef};
use crate::request::Request;
use crate::schemes::{Scheme, Stop};
use crate::site::Site;
use crate::verdict::{CLEAR_TEXT, Effects, Identity, NOBODY, Refusal, Refused, Response, SchemeName, Verdict};

/// What a scheme's answer means for the chain. `First` is DRF's rule, the others are PAM's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Decides if it recognises its credentials.
    First,
    /// Decides if it finds a user; its refusal is only remembered.
    Try,
    /// Must find a user; the rest still runs.
    Required,
    /// Must find a user; nothing runs after a failure.
    Requisite,
    /// Never decides.
    Optional,
}

/// The control words of the configuration.
pub(crate) const CONTROLS: &[(&str, Control)] = &[
    ("first", Control::First),
    ("try", Control::Try),
    ("sufficient", Control::Try), // PAM's name
    ("required", Control::Required),
    ("requisite", Control::Requisite),
    ("optional", Control::Optional),
];

/// The options of `[chains.NAME]`.
pub(crate) const OPTIONS: &[OptionDef] = &[
    OptionDef {
        name: "schemes",
        kind: OptionKind::Schemes,
        default: "",
        doc: "The schemes in the order in which they are asked. An item is a name, or a table with `scheme`, \
              `control` (first, try, required, requisite, optional) and options of the scheme.",
    },
    OptionDef {
        name: "anonymous",
        kind: OptionKind::Word(&["refuse", "allow"]),
        default: "\"refuse\"",
        doc: "What becomes of a request without credentials: refused, or let through as nobody (DRF's AllowAny).",
    },
    OptionDef {
        name: "challenge",
        kind: OptionKind::Word(&["first", "all"]),
        default: "\"first\"",
        doc: "Whose `WWW-Authenticate` a 401 carries: the first scheme's (DRF's rule), or one per scheme.",
    },
    OptionDef {
        name: "require_tls",
        kind: OptionKind::Boolean,
        default: "false",
        doc: "Whether a request that came in clear text from elsewhere than this machine is refused (403), whatever it \
              carries: a challenge would have the client send its password.",
    },
    OptionDef {
        name: "anonymous_user",
        kind: OptionKind::Text,
        default: "\"\"",
        doc: "The name of nobody where nobody is let through (DRF's UNAUTHENTICATED_USER; Django's has the empty name).",
    },
];

/// One scheme in a chain.
pub(crate) struct Link {
    pub name: Arc<SchemeName>,
    pub control: Control,
    pub scheme: Box<dyn Scheme>,
}

/// What a chain does with nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anonymous {
    /// DRF's `IsAuthenticated`.
    Refuse,
    /// DRF's `AllowAny`.
    Allow,
}

/// Whose challenges a 401 carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenges {
    First,
    All,
}

/// A list of schemes with its rules. Never without a scheme that can find somebody.
#[derive(Clone)]
pub(crate) struct Chain {
    links: Arc<[Link]>,
    anonymous: Anonymous,
    require_tls: bool,
    /// Whether a user is let through who asks more often than he may.
    is_free_of_rates: bool,
    /// The name of nobody.
    anonymous_user: Option<Arc<CStr>>,
    /// The values of `WWW-Authenticate`, made once. None: a refusal is 403.
    challenges: Vec<String>,
    /// The value of `Vary`: the headers that the schemes read; empty when they read none.
    vary: Arc<str>,
}

/// A verdict and what led to it.
#[derive(Clone)]
pub(crate) struct Judgement {
    pub verdict: Verdict,
    pub effects: Effects,
    /// What each scheme said; recorded only when asked for.
    pub road: Vec<Step>,
    /// The answer that an endpoint made; a chain's is made when asked for.
    pub response: Option<Box<Response>>,
}

impl Judgement {
    /// A verdict and nothing beside it.
    pub(crate) fn of(verdict: Verdict) -> Self {
        Self { verdict, effects: Effects::default(), road: Vec::new(), response: None }
    }
}

/// One scheme's answer, for `explain`.
#[derive(Clone)]
pub(crate) struct Step {
    pub scheme: Arc<SchemeName>,
    pub reads: &'static str,
    pub said: String,
}

/// What a scheme answered.
enum Said {
    User(Box<Identity>),
    Passed,
    Refused(Box<Refusal>),
}

/// Whether the chain goes on.
enum Next {
    Go,
    Decided(Verdict),
}

impl Chain {
    /// A chain; `None` when no scheme of it could find anybody (a chain that is empty or all
    /// `optional` would only ever refuse, or let everybody in as nobody).
    pub(crate) fn new(links: Vec<Link>, anonymous: Anonymous, challenges: Challenges) -> Option<Self> {
        links.iter().find(|link| link.control != Control::Optional)?;
        let of = |link: &Link| link.scheme.challenge().map(str::to_owned);
        let challenges = match challenges {
            // DRF asks the first scheme only (`get_authenticate_header`).
            Challenges::First => links.first().and_then(of).into_iter().collect(),
            Challenges::All => links.iter().filter_map(of).collect(),
        };
        Some(Self {
            vary: vary(&links).into(),
            links: links.into(),
            anonymous,
            require_tls: false,
            is_free_of_rates: false,
            anonymous_user: None,
            challenges,
        })
    }

    /// The same chain that refuses requests in clear text from elsewhere.
    pub(crate) fn requiring_tls(self, require_tls: bool) -> Self {
        Self { require_tls, ..self }
    }

    /// The same chain in front of what takes credentials back: whoever stole them cannot keep their
    /// owner from it by asking often.
    pub(crate) fn free_of_rates(self) -> Self {
        Self { is_free_of_rates: true, ..self }
    }

    /// Whether requests in clear text are refused.
    #[cfg(feature = "cli")]
    pub(crate) fn requires_tls(&self) -> bool {
        self.require_tls
    }

    /// The same chain with a name for nobody.
    pub(crate) fn naming_nobody(self, name: &str) -> Self {
        let name = CString::new(name).ok().filter(|name| !name.is_empty());
        Self { anonymous_user: name.map(|name| name.into_boxed_c_str().into()), ..self }
    }

    /// The name of nobody, where there is one.
    pub(crate) fn anonymous_user(&self) -> Option<&CStr> {
        self.anonymous_user.as_deref()
    }

    /// The schemes in their order.
    #[cfg(feature = "cli")]
    pub(crate) fn schemes(&self) -> impl Iterator<Item = &SchemeName> {
        self.links.iter().map(|link| &*link.name)
    }

    /// The same schemes with another rule for nobody: a view's permission in `explain --batch`.
    pub(crate) fn with_anonymous(&self, anonymous: Anonymous) -> Self {
        Self { anonymous, ..self.clone() }
    }

    /// Asks the schemes. `trace` records the road. An error is no answer about the user.
    pub(crate) fn judge(&self, request: &Request<'_>, ctx: &Ctx<'_>, trace: bool) -> Result<Judgement, Error> {
        let mut decision = Decision::default();
        let mut judgement = Judgement::of(Verdict::Anonymous);
        if self.require_tls && !is_private(request, ctx.site) {
            judgement.verdict = Verdict::Refused(Refused::Fixed(&CLEAR_TEXT));
            return Ok(judgement);
        }
        let free;
        let ctx = if self.is_free_of_rates {
            free = Ctx { rates: Rates::Off, ..*ctx };
            &free
        } else {
            ctx
        };
        for link in self.links.iter() {
            let said = link.ask(request, ctx, &mut judgement.effects)?;
            if trace {
                judgement.road.push(link.step(&said));
            }
            if let Next::Decided(verdict) = decision.hear(link.control, said) {
                judgement.verdict = verdict;
                return Ok(judgement);
            }
        }
        judgement.verdict = decision.at_the_end(self.anonymous);
        Ok(judgement)
    }

    /// What to send for a verdict; on success the headers to add.
    pub(crate) fn response(&self, verdict: &Verdict) -> Response {
        match verdict {
            Verdict::Identified(_) | Verdict::Anonymous => {
                Response { status: 200, headers: self.vary().into_iter().collect(), body: String::new() }
            }
            Verdict::Refused(refusal) => self.refused(refusal, None),
        }
    }

    /// The answer to a refusal, with the chain's challenges or those of the view behind it.
    pub(crate) fn refused(&self, refusal: &Refusal, of_view: Option<&[String]>) -> Response {
        let mut response = Response::refused(refusal, of_view.unwrap_or(&self.challenges));
        response.headers.extend(self.vary());
        response
    }

    /// Whether a scheme needs the body of this request.
    pub(crate) fn wants_body(&self, request: &Request<'_>) -> bool {
        self.links.iter().any(|link| link.scheme.wants_body(request))
    }

    /// The headers by which schemes are told who it is.
    pub(crate) fn identity_headers(&self) -> impl Iterator<Item = &str> {
        self.links.iter().filter_map(|link| link.scheme.identity_header())
    }

    /// The answer depends on the credentials, so no cache may give it to somebody else.
    fn vary(&self) -> Option<(&'static str, String)> {
        (!self.vary.is_empty()).then(|| ("Vary", self.vary.to_string()))
    }
}

/// Whether nobody between can have read the request.
fn is_private(request: &Request<'_>, site: &Site) -> bool {
    site.is_secure(request) || site.is_from_here(request)
}

impl Link {
    fn ask(&self, request: &Request<'_>, ctx: &Ctx<'_>, effects: &mut Effects) -> Result<Said, Error> {
        match self.scheme.authenticate(request, ctx, effects) {
            Ok(Some(mut identity)) => {
                identity.found_by = Some(self.name.clone());
                Ok(Said::User(Box::new(identity)))
            }
            Ok(None) => Ok(Said::Passed),
            Err(Stop::Refused(refusal)) => Ok(Said::Refused(refusal)),
            Err(Stop::Broken(error)) => Err(error),
        }
    }

    fn step(&self, said: &Said) -> Step {
        let said = match said {
            Said::User(identity) => format!("user {}", identity.user.name()),
            Said::Passed => "not mine".to_owned(),
            Said::Refused(refusal) => format!("refused ({}): {}", refusal.slug, refusal.detail),
        };
        Step { scheme: self.name.clone(), reads: self.scheme.reads(), said }
    }
}

/// The headers on which the answers depend, none twice.
fn vary(links: &[Link]) -> String {
    let mut headers: Vec<_> = links.iter().flat_map(|link| link.scheme.varies()).collect();
    headers.sort_unstable();
    headers.dedup();
    headers.join(", ")
}

fn refused(refusal: Box<Refusal>) -> Verdict {
    Verdict::Refused(Refused::Made(refusal))
}

/// What the schemes so far amount to.
#[derive(Default)]
struct Decision {
    /// The first refusal of a `try`.
    tried: Option<Box<Refusal>>,
    /// The first failure of a `required` or `requisite`, or their disagreement.
    failed: Option<Box<Refusal>>,
    /// The user on whom the `required` and `requisite` so far agree.
    agreed: Option<Box<Identity>>,
}

impl Decision {
    /// The table of control words, one arm a cell.
    fn hear(&mut self, control: Control, said: Said) -> Next {
        match (control, said) {
            (Control::First | Control::Try, Said::User(identity)) => {
                self.agree(&identity);
                Next::Decided(self.failed.take().map_or(Verdict::Identified(identity), refused))
            }
            (Control::First, Said::Refused(refusal)) => Next::Decided(self.fail(refusal)),
            (Control::Try, Said::Refused(refusal)) => {
                self.tried.get_or_insert(refusal);
                Next::Go
            }
            (Control::Required | Control::Requisite, Said::User(identity)) => {
                self.agree(&identity);
                self.agreed.get_or_insert(identity);
                Next::Go
            }
            (Control::Required, Said::Passed) => self.note(Box::new(Refusal::NOT_PROVIDED)),
            (Control::Required, Said::Refused(refusal)) => self.note(refusal),
            (Control::Requisite, Said::Passed) => Next::Decided(self.fail(Box::new(Refusal::NOT_PROVIDED))),
            (Control::Requisite, Said::Refused(refusal)) => Next::Decided(self.fail(refusal)),
            (Control::First | Control::Try, Said::Passed) | (Control::Optional, _) => Next::Go,
        }
    }

    fn at_the_end(self, anonymous: Anonymous) -> Verdict {
        if let Some(refusal) = self.failed {
            return refused(refusal);
        }
        if let Some(identity) = self.agreed {
            return Verdict::Identified(identity);
        }
        if let Some(refusal) = self.tried {
            return refused(refusal);
        }
        match anonymous {
            Anonymous::Allow => Verdict::Anonymous,
            Anonymous::Refuse => Verdict::Refused(Refused::Fixed(&NOBODY)),
        }
    }

    /// Another user than the one agreed on is a failure, wherever it is found.
    fn agree(&mut self, identity: &Identity) {
        if self.agreed.as_ref().is_some_and(|agreed| !agreed.user.is(&identity.user)) {
            self.failed.get_or_insert(Box::new(Refusal::DISAGREE));
        }
    }

    fn note(&mut self, refusal: Box<Refusal>) -> Next {
        self.failed.get_or_insert(refusal);
        Next::Go
    }

    fn fail(&mut self, refusal: Box<Refusal>) -> Verdict {
        refused(self.failed.take().unwrap_or(refusal))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::vouched;
    use crate::store::User;
    use crate::verdict::{Auth, active};

    /// What a scheme may answer, in a form that can be generated and shown.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Plays {
        User(u8),
        Passes,
        Refuses(u8),
    }

    const SLUGS: [&str; 3] = ["refused.0", "refused.1", "refused.2"];

    fn said(plays: Plays) -> Said {
        match plays {
            Plays::User(n) => {
                let user = active(User::foreign(&n.to_string(), &n.to_string()).unwrap()).ok().unwrap();
                Said::User(Box::new(Identity::new(user, vouched(), Auth::None)))
            }
            Plays::Passes => Said::Passed,
            Plays::Refuses(n) => Said::Refused(Box::new(Refusal::failed(SLUGS[usize::from(n)], "no"))),
        }
    }

    /// The chain's verdict in one word: a user's number, a slug, or `nobody`.
    fn decided(links: &[(Control, Plays)]) -> String {
        let mut decision = Decision::default();
        for (control, plays) in links {
            if let Next::Decided(verdict) = decision.hear(*control, said(*plays)) {
                return word(&verdict);
            }
        }
        word(&decision.at_the_end(Anonymous::Allow))
    }

    fn word(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Identified(identity) => identity.user.name().to_owned(),
            Verdict::Anonymous => "nobody".to_owned(),
            Verdict::Refused(refusal) => refusal.slug.to_owned(),
        }
    }

    #[test]
    fn each_control_word_does_what_its_row_says() {
        use Control::{First, Optional, Required, Requisite, Try};
        use Plays::{Passes, Refuses, User};
        // A word, what its scheme says, and the verdict when a `first` behind it finds user 2.
        for (control, plays, expected) in [
            (First, User(1), "1"),
            (First, Passes, "2"),
            (First, Refuses(0), "refused.0"),
            (Try, User(1), "1"),
            (Try, Passes, "2"),
            (Try, Refuses(0), "2"),
            (Required, User(2), "2"),
            (Required, User(1), "chain.disagree"),
            (Required, Passes, "chain.no_credentials"),
            (Required, Refuses(0), "refused.0"),
            (Requisite, User(2), "2"),
            (Requisite, User(1), "chain.disagree"),
            (Requisite, Passes, "chain.no_credentials"),
            (Requisite, Refuses(0), "refused.0"),
            (Optional, User(1), "2"),
            (Optional, Passes, "2"),
            (Optional, Refuses(0), "2"),
        ] {
            assert_eq!(decided(&[(control, plays), (First, User(2))]), expected, "{control:?} {plays:?}");
        }
    }

    #[test]
    fn the_end_of_the_chain_decides_what_nobody_decided() {
        use Control::{Required, Requisite, Try};
        use Plays::{Passes, Refuses, User};
        for (links, expected) in [
            (&[(Try, Passes)][..], "nobody"),
            (&[(Try, Refuses(0)), (Try, Refuses(1))], "refused.0"),
            (&[(Required, User(1))], "1"),
            (&[(Required, User(1)), (Requisite, User(1))], "1"),
            (&[(Required, User(1)), (Required, User(2))], "chain.disagree"),
            (&[(Required, User(1)), (Try, Refuses(0))], "1"),
            (&[(Required, Refuses(0)), (Requisite, Refuses(1))], "refused.0"),
            (&[(Required, Refuses(0)), (Try, User(1))], "refused.0"),
        ] {
            assert_eq!(decided(links), expected, "{links:?}");
        }
    }

    fn any_links() -> impl Strategy<Value = Vec<(Control, Plays)>> {
        use Control::{First, Optional, Required, Requisite, Try};
        let control = prop_oneof![Just(First), Just(Try), Just(Required), Just(Requisite), Just(Optional)];
        let plays = prop_oneof![(0u8..3).prop_map(Plays::User), Just(Plays::Passes), (0u8..3).prop_map(Plays::Refuses)];
        prop::collection::vec((control, plays), 1..7)
    }

    proptest! {
        #[test]
        fn no_chain_lets_in_a_user_whom_no_deciding_scheme_found(links in any_links()) {
            let verdict = decided(&links);
            if let Ok(user) = verdict.parse::<u8>() {
                let found = |(control, plays): &(Control, Plays)| *control != Control::Optional && *plays == Plays::User(user);
                prop_assert!(links.iter().any(found), "{links:?} let in {user}");
            }
        }

        #[test]
        fn a_failed_demand_before_the_decision_is_never_forgotten(links in any_links()) {
            let demands = |c: Control| matches!(c, Control::Required | Control::Requisite);
            let decides = |(c, p): &(Control, Plays)| match p {
                Plays::User(_) => matches!(c, Control::First | Control::Try),
                Plays::Refuses(_) => matches!(c, Control::First | Control::Requisite),
                Plays::Passes => *c == Control::Requisite,
            };
            let ran = links.iter().position(decides).map_or(&links[..], |i| &links[..=i]);
            let failed = ran.iter().any(|(c, p)| demands(*c) && !matches!(p, Plays::User(_)));
            if failed {
                let verdict = decided(&links);
                prop_assert!(verdict.contains('.'), "{links:?} gave {verdict}");
            }
        }

        #[test]
        fn a_chain_of_firsts_is_drfs_loop(plays in prop::collection::vec(any_links(), 1..2)) {
            let links: Vec<_> = plays[0].iter().map(|(_, p)| (Control::First, *p)).collect();
            let expected = links.iter().find(|(_, p)| *p != Plays::Passes).map_or("nobody".to_owned(), |(_, p)| match p {
                Plays::User(n) => n.to_string(),
                Plays::Refuses(n) => SLUGS[usize::from(*n)].to_owned(),
                Plays::Passes => unreachable!(),
            });
            prop_assert_eq!(decided(&links), expected);
        }

        #[test]
        fn optional_schemes_change_nothing(links in any_links(), at in 0usize..7, plays in 0u8..3) {
            let mut more = links.clone();
            more.insert(at.min(links.len()), (Control::Optional, [Plays::User(0), Plays::Passes, Plays::Refuses(0)][usize::from(plays)]));
            prop_assert_eq!(decided(&links), decided(&more));
        }
    }

    #[test]
    fn a_chain_that_can_find_nobody_cannot_be_made() {
        assert!(Chain::new(vec![], Anonymous::Allow, Challenges::First).is_none());
    }
}
