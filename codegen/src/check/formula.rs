//! Conditions put together, and whether they can hold at once.

/// A formula over what is so or not.
#[derive(Clone, Debug)]
pub(super) enum Formula<V> {
    /// It is so.
    Is(V),
    /// It does not hold.
    Not(Box<Self>),
    /// All of them hold; of none, always.
    All(Vec<Self>),
    /// One of them holds; of none, never.
    Any(Vec<Self>),
}

impl<V> Formula<V> {
    /// That this does not hold.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// The same of other things.
    pub(super) fn map<W>(&self, to: &impl Fn(&V) -> W) -> Formula<W> {
        let all = |parts: &[Self]| parts.iter().map(|part| part.map(to)).collect();
        match self {
            Self::Is(it) => Formula::Is(to(it)),
            Self::Not(inner) => Formula::Not(Box::new(inner.map(to))),
            Self::All(parts) => Formula::All(all(parts)),
            Self::Any(parts) => Formula::Any(all(parts)),
        }
    }
}

impl<V: Copy + PartialEq> Formula<V> {
    /// Whether it holds, as far as what is known says so.
    fn value(&self, known: &[(V, bool)]) -> Option<bool> {
        match self {
            Self::Is(it) => known.iter().find(|(of, _)| of == it).map(|(_, so)| *so),
            Self::Not(inner) => inner.value(known).map(|holds| !holds),
            Self::All(parts) => joined(parts, known, true),
            Self::Any(parts) => joined(parts, known, false),
        }
    }

    /// Something on which it depends and of which nothing is known.
    fn open(&self, known: &[(V, bool)]) -> Option<V> {
        match self {
            Self::Is(it) => (!known.iter().any(|(of, _)| of == it)).then_some(*it),
            Self::Not(inner) => inner.open(known),
            Self::All(parts) | Self::Any(parts) => {
                let undecided = parts.iter().filter(|part| part.value(known).is_none());
                undecided.filter_map(|part| part.open(known)).next()
            }
        }
    }
}

/// `all` parts hold, or any of them does.
fn joined<V: Copy + PartialEq>(
    parts: &[Formula<V>],
    known: &[(V, bool)],
    all: bool,
) -> Option<bool> {
    let mut joined = Some(all);
    for part in parts {
        match part.value(known) {
            Some(holds) if holds == all => {}
            Some(_) => return Some(!all),
            None => joined = None,
        }
    }
    joined
}

/// How many cases are looked at. No rule that people write has as many.
const MOST: usize = 20_000;

/// Whether all formulas can hold at once, where two things that exclude each other are never both so. Of formulas
/// with too many cases it is taken to be possible.
pub(super) fn can_all_hold<V: Copy + PartialEq>(
    formulas: &[Formula<V>],
    excludes: &impl Fn(&V, &V) -> bool,
) -> bool {
    let mut search = Search { formulas, excludes, known: Vec::new(), left: MOST };
    search.run()
}

struct Search<'f, V, X> {
    formulas: &'f [Formula<V>],
    excludes: &'f X,
    known: Vec<(V, bool)>,
    left: usize,
}

impl<V: Copy + PartialEq, X: Fn(&V, &V) -> bool> Search<'_, V, X> {
    fn run(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return true };
        self.left = left;
        let mut open = None;
        for formula in self.formulas {
            match formula.value(&self.known) {
                Some(true) => {}
                Some(false) => return false,
                None => open = open.or_else(|| formula.open(&self.known)),
            }
        }
        let Some(open) = open else { return true };
        let can_be = !self.known.iter().any(|(of, so)| *so && (self.excludes)(of, &open));
        (can_be && self.with(open, true)) || self.with(open, false)
    }

    fn with(&mut self, it: V, so: bool) -> bool {
        self.known.push((it, so));
        let found = self.run();
        self.known.pop();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(name: char) -> Formula<char> {
        Formula::Is(name)
    }

    fn both(left: char, right: char) -> Formula<char> {
        Formula::All(vec![is(left), is(right)])
    }

    fn can(formulas: &[Formula<char>]) -> bool {
        can_all_hold(formulas, &|_, _| false)
    }

    #[test]
    fn what_contradicts_itself_can_not_be() {
        assert!(can(&[]));
        assert!(can(&[is('a'), is('b').negated()]));
        assert!(!can(&[is('a'), is('a').negated()]));
        assert!(!can(&[both('a', 'b').negated(), is('a'), is('b')]));
        assert!(can(&[both('a', 'b').negated(), is('a')]));
        let either = Formula::Any(vec![is('a'), is('b')]);
        assert!(!can(&[either.clone(), is('a').negated(), is('b').negated()]));
        assert!(can(&[either, is('a').negated()]));
        assert!(!can(&[Formula::Any(vec![])]));
        assert!(can(&[Formula::All(vec![])]));
    }

    #[test]
    fn what_excludes_another_is_not_so_beside_it() {
        let excludes = |left: &char, right: &char| left != right;
        assert!(!can_all_hold(&[is('a'), is('b')], &excludes));
        assert!(can_all_hold(&[is('a'), is('b').negated()], &excludes));
    }

    #[test]
    fn too_many_cases_are_given_up() {
        let pairs = ('a'..='z').zip('A'..='Z');
        let odd = pairs.flat_map(|(one, other)| {
            [Formula::Any(vec![is(one), is(other)]), both(one, other).negated()]
        });
        let mut formulas: Vec<_> = odd.collect();
        formulas.push(Formula::Any(vec![both('y', 'Y')]));
        assert!(can(&formulas), "not a proof, but an answer");
    }
}
