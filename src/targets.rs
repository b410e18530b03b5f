//! What hosts ask by number: the chains, or the endpoints, of a configuration, with what they have
//! answered. A name keeps its number and its counters over reloads.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chain::Judgement;
use crate::error::Error;
use crate::verdict::{Kind, Verdict};

/// Chains, or endpoints.
#[derive(Default)]
pub(crate) struct Targets {
    /// By number. Names that went away stay, so that nothing else gets their numbers.
    known: Vec<Target>,
    /// By place in the configuration: the number.
    numbers: Vec<usize>,
}

#[derive(Clone)]
struct Target {
    name: String,
    /// Where the configuration has it; `None` when it went away.
    place: Option<usize>,
    counts: Arc<Counts>,
}

/// How often each outcome of [`OUTCOMES`] was given.
#[derive(Default)]
struct Counts([AtomicU64; OUTCOMES.len()]);

/// What metrics call an outcome; a refusal is known by DRF's `default_code`.
const OUTCOMES: [&str; 12] = [
    "ok",
    "anonymous",
    "broken",
    "not_authenticated",
    "authentication_failed",
    "permission_denied",
    "throttled",
    "parse_error",
    "invalid",
    "unsupported_media_type",
    "method_not_allowed",
    "too_large",
];

impl Targets {
    /// The targets of a configuration, in its order, that comes after another.
    pub(crate) fn after<'n>(before: &Self, names: impl Iterator<Item = &'n str>) -> Self {
        let mut known = before.known.clone();
        known.iter_mut().for_each(|target| target.place = None);
        let numbers = names.enumerate().map(|(place, name)| {
            let number = known.iter().position(|target| target.name == name).unwrap_or_else(|| {
                known.push(Target { name: name.to_owned(), place: None, counts: Arc::default() });
                known.len() - 1
            });
            known[number].place = Some(place);
            number
        });
        Self { numbers: numbers.collect(), known }
    }

    /// The number of a name.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.known.iter().position(|target| target.name == name && target.place.is_some())
    }

    /// Where the configuration has what a number names; `None` when it has it no more.
    pub(crate) fn place(&self, number: usize) -> Option<usize> {
        self.known.get(number)?.place
    }

    /// Counts an answer of the target at a place.
    pub(crate) fn count(&self, place: usize, outcome: &Result<Judgement, Error>) {
        if let Some(number) = self.numbers.get(place) {
            self.known[*number].counts.0[index(outcome)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The samples of `authchain_verdicts_total` in Prometheus' text format.
    pub(crate) fn samples(&self, label: &str, out: &mut String) {
        for target in &self.known {
            for (outcome, count) in OUTCOMES.iter().zip(&target.counts.0) {
                let count = count.load(Ordering::Relaxed);
                // Outcomes that never came would be most of the text; these two start at 0.
                if count > 0 || *outcome == "ok" || *outcome == "broken" {
                    let name = escaped(&target.name);
                    let _ =
                        writeln!(out, "authchain_verdicts_total{{{label}=\"{name}\",outcome=\"{outcome}\"}} {count}");
                }
            }
        }
    }
}

fn index(outcome: &Result<Judgement, Error>) -> usize {
    let Ok(judgement) = outcome else { return 2 };
    match &judgement.verdict {
        Verdict::Identified(_) => 0,
        Verdict::Anonymous => 1,
        Verdict::Refused(refusal) => of_refusal(refusal.kind),
    }
}

fn of_refusal(kind: Kind) -> usize {
    match kind {
        Kind::NotAuthenticated => 3,
        Kind::AuthenticationFailed => 4,
        Kind::PermissionDenied | Kind::TooManyTokens => 5,
        Kind::Throttled(_) => 6,
        Kind::ParseError => 7,
        Kind::Invalid | Kind::NotFound => 8,
        Kind::UnsupportedMediaType => 9,
        Kind::MethodNotAllowed => 10,
        Kind::TooLarge => 11,
    }
}

/// A label's value as the text format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Refusal, Refused};

    fn targets(before: &Targets, names: &[&str]) -> Targets {
        Targets::after(before, names.iter().copied())
    }

    #[test]
    fn a_name_keeps_its_number_while_others_come_and_go() {
        let first = targets(&Targets::default(), &["a", "b", "c"]);
        let second = targets(&first, &["d", "c", "a"]);
        assert_eq!((second.number("a"), second.number("c"), second.number("d")), (Some(0), Some(2), Some(3)));
        assert_eq!(
            (second.place(0), second.place(1), second.place(2), second.place(3)),
            (Some(2), None, Some(1), Some(0))
        );
        assert_eq!(second.number("b"), None);
        let third = targets(&second, &["b"]);
        assert_eq!((third.number("b"), third.place(1)), (Some(1), Some(0)));
        assert_eq!((third.place(0), third.place(4)), (None, None));
    }

    #[test]
    fn counts_go_on_after_a_reload_and_stand_under_their_names() {
        let first = targets(&Targets::default(), &["a", "odd\"\\\n"]);
        first.count(1, &Err(Error::Random));
        let second = targets(&first, &["odd\"\\\n", "a"]);
        second.count(0, &Ok(Judgement::of(Verdict::Refused(Refused::Made(Box::new(Refusal::DISAGREE))))));
        second.count(0, &Err(Error::Random));
        let mut text = String::new();
        second.samples("chain", &mut text);
        let of = |name: &str, outcome: &str, n: u32| format!("{{chain=\"{name}\",outcome=\"{outcome}\"}} {n}\n");
        assert!(text.contains(&of("odd\\\"\\\\\\n", "broken", 2)), "{text}");
        assert!(text.contains(&of("odd\\\"\\\\\\n", "authentication_failed", 1)), "{text}");
        assert!(text.contains(&of("a", "ok", 0)), "{text}");
        assert!(!text.contains("anonymous"), "{text}");
    }

    #[test]
    fn a_refusal_counts_under_its_code() {
        for kind in [
            Kind::NotAuthenticated,
            Kind::AuthenticationFailed,
            Kind::PermissionDenied,
            Kind::ParseError,
            Kind::Invalid,
            Kind::UnsupportedMediaType,
            Kind::MethodNotAllowed,
            Kind::Throttled(1),
            Kind::TooLarge,
        ] {
            assert_eq!(OUTCOMES[of_refusal(kind)], kind.code());
        }
    }
}
