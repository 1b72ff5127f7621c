//! What may not follow on what in a stream, and what the refusal of an event tells of it.

use std::fmt;

/// What may not follow on what in a stream.
pub struct OrderRule {
    /// The refusal.
    pub refusal: &'static str,
    /// The rule as the ontology says it.
    pub says: &'static str,
    /// The types of the events before.
    pub before: &'static [&'static str],
    /// The type of the next event.
    pub next: &'static str,
    /// Whether it is refused.
    pub refused: bool,
    /// Whether a rule of another kind refuses by the same name.
    pub shared: bool,
}

impl fmt::Debug for OrderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says)
    }
}

/// What the outcome of one event tells of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is kept.
    Kept,
    /// It may be kept, or a rule of another kind and the same name came first.
    Perhaps,
    /// It lets an event through.
    Broken,
    /// The refusal is by the name of an order that allows the event.
    Misnamed,
    /// Nothing: a rule of another kind came first.
    Nothing,
}

impl OrderRule {
    /// What it tells that an event of the next type is refused so, or accepted.
    pub(super) fn told(&self, found: Option<&str>, rules: &[Self]) -> Told {
        if !self.refused {
            let by_name = found == Some(self.refusal);
            return if by_name { Told::Nothing } else { Told::Kept };
        }
        let Some(found) = found else { return Told::Broken };
        let mut named = rules.iter().filter(|it| it.refused && it.refusal == found).peekable();
        match named.peek().map(|rule| rule.shared) {
            None => Told::Nothing,
            Some(shared) => match named.any(|rule| rule.applies_with(self)) {
                true if shared => Told::Perhaps,
                true => Told::Kept,
                false if shared => Told::Nothing,
                false => Told::Misnamed,
            },
        }
    }

    /// Whether it refuses what another one refuses: then either may come first.
    fn applies_with(&self, other: &Self) -> bool {
        self.next == other.next && self.before.iter().all(|name| other.before.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::{OrderRule, Told};

    fn rule(
        refusal: &'static str,
        before: &'static [&'static str],
        next: &'static str,
    ) -> OrderRule {
        OrderRule { refusal, says: refusal, before, next, refused: true, shared: false }
    }

    fn rules() -> [OrderRule; 3] {
        [
            rule("PaidMustPrecedeSent", &[], "Sent"),
            rule("PaidCannotFollowSent", &["Sent"], "Paid"),
            rule("NothingCanFollowClosed", &["Closed"], "Sent"),
        ]
    }

    #[test]
    fn a_rule_is_kept_by_its_own_name_or_that_of_another_that_applies() {
        let rules = rules();
        assert_eq!(rules[0].told(Some("PaidMustPrecedeSent"), &rules), Told::Kept);
        assert_eq!(rules[2].told(Some("NothingCanFollowClosed"), &rules), Told::Kept);
        assert_eq!(rules[2].told(Some("PaidMustPrecedeSent"), &rules), Told::Kept);
        assert_eq!(rules[1].told(None, &rules), Told::Broken);
    }

    /// Two rules whose names were swapped: each refuses what it should, by a name that promises
    /// something else.
    #[test]
    fn the_name_of_a_rule_that_does_not_apply_is_no_refusal_of_this_one() {
        let rules = rules();
        assert_eq!(rules[0].told(Some("PaidCannotFollowSent"), &rules), Told::Misnamed);
        assert_eq!(rules[1].told(Some("PaidMustPrecedeSent"), &rules), Told::Misnamed);
        assert_eq!(rules[0].told(Some("NothingCanFollowClosed"), &rules), Told::Misnamed);
    }

    #[test]
    fn a_name_that_rules_of_other_kinds_have_too_tells_nothing() {
        let mut rules = rules();
        assert_eq!(rules[0].told(Some("AmountMustBePositive"), &rules), Told::Nothing);
        rules[1].shared = true;
        assert_eq!(rules[0].told(Some("PaidCannotFollowSent"), &rules), Told::Nothing);
        assert_eq!(rules[1].told(Some("PaidCannotFollowSent"), &rules), Told::Perhaps);
    }

    #[test]
    fn what_is_allowed_may_be_refused_by_another_rule_and_not_by_this_one() {
        let mut rules = rules();
        rules[0].refused = false;
        assert_eq!(rules[0].told(None, &rules), Told::Kept);
        assert_eq!(rules[0].told(Some("AmountMustBePositive"), &rules), Told::Kept);
        assert_eq!(rules[0].told(Some("PaidMustPrecedeSent"), &rules), Told::Nothing);
    }
}
