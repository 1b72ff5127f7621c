//! What a decision may emit, and when: the ways through it that rules about keys look at.

use std::collections::BTreeSet;

use super::formula::{Formula, can_all_hold};
use crate::model::changing::Changing;
use crate::model::locals::free;
use crate::model::{
    Aggregate, Command, Comparison, Decision, Emission, Expression, ExpressionKind, Logic, Method,
    Scope, Step, Type,
};

/// What is so or not when a command is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Atom<'m> {
    of: Fact<'m>,
    /// Whether the input alone tells it, so that what is sent again finds it as it was.
    is_told: bool,
    /// The loop of whose element it speaks.
    each: Option<usize>,
    /// The emission where it is asked, where it is something else anywhere else: what the state is by then, or
    /// what a local stands for.
    at: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact<'m> {
    /// It is true.
    Holds(&'m Expression),
    /// The two are equal.
    Equal(&'m Expression, &'m Expression),
    /// The first is less.
    Less(&'m Expression, &'m Expression),
    /// The optional has a value, the list has elements.
    Present(&'m Expression),
}

/// One emission of a command.
pub(super) struct Branch<'m> {
    /// Which of the command's emissions it is, and how many `else` it is away from there; none where a refusal
    /// keeps it.
    pub(super) place: Option<(usize, usize)>,
    /// What is emitted.
    pub(super) emission: &'m Emission,
    /// When.
    when: Formula<Atom<'m>>,
    /// The loop in which it is emitted.
    each: Option<usize>,
    /// The unique fields whose values are the same each time the command is sent.
    pub(super) keys: Vec<Key<'m>>,
}

/// A key that the input tells.
pub(super) struct Key<'m> {
    /// Its field.
    pub(super) field: &'m str,
    /// Whether it recognises commands.
    pub(super) idempotent: bool,
    /// When it is claimed: with its event, and where there is one.
    when: Formula<Atom<'m>>,
    /// The loop in which it is claimed.
    each: Option<usize>,
}

/// The branches of a command; none of a decision by hand.
pub(super) fn branches<'m>(model: &'m Aggregate, command: &'m Command) -> Vec<Branch<'m>> {
    let Decision::Declared { steps, emit, .. } = &command.decision else { return Vec::new() };
    let named = steps.iter().filter_map(|step| match step {
        Step::Let(name, _) | Step::Unwrap { local: name, .. } => Some(name.as_str()),
        _ => None,
    });
    let mut walk = Walk { model, named: named.collect(), found: Vec::new() };
    let (mut changing, mut passed) = (Changing::default(), Vec::new());
    for step in steps {
        let place = Place { changing: &changing, each: None, at: walk.found.len() };
        let ends = match step {
            Step::Reject(rejection) => {
                let when = walk.formula(&rejection.when, place);
                let refused: Vec<_> = passed.iter().cloned().chain([when.clone()]).collect();
                for kept in &rejection.emit {
                    walk.collect(kept, None, (&changing, None), &refused);
                }
                Some(when)
            }
            Step::NothingToDo(condition) => Some(walk.formula(condition, place)),
            Step::Let(..) | Step::Unwrap { .. } | Step::Target | Step::Unique(_) => None,
        };
        passed.extend(ends.map(Formula::negated));
        changing.pass(step);
    }
    for (index, emission) in emit.iter().enumerate() {
        walk.collect(emission, Some((index, 0)), (&changing, None), &passed);
    }
    walk.found
}

/// A loop and the name of its element.
type Each<'m> = (usize, &'m str);

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Place<'p, 'm> {
    changing: &'p Changing,
    each: Option<Each<'m>>,
    at: usize,
}

struct Walk<'m> {
    model: &'m Aggregate,
    /// What the steps name: that is the same wherever it is read.
    named: BTreeSet<&'m str>,
    found: Vec<Branch<'m>>,
}

impl<'m> Walk<'m> {
    fn collect(
        &mut self,
        emission: &'m Emission,
        place: Option<(usize, usize)>,
        (changing, mut each): (&Changing, Option<Each<'m>>),
        around: &[Formula<Atom<'m>>],
    ) {
        let at = self.found.len();
        let mut around = around.to_vec();
        if let Some((element, list)) = &emission.for_each {
            let outside = Place { changing, each, at };
            around.push(Formula::Is(self.atom(Fact::Present(list), list, outside)));
            each = Some((at, element));
        }
        let within = changing.within(emission);
        let inside = Place { changing: &within, each, at };
        let when = emission.when.as_ref().map(|when| self.formula(when, inside));
        let with = |when: Option<Formula<Atom<'m>>>| {
            Formula::All(around.iter().cloned().chain(when).collect())
        };
        let holds = with(when.clone());
        let keys = self.keys(emission, &holds, inside);
        let each_loop = each.map(|(of, _)| of);
        self.found.push(Branch { place, emission, when: holds, each: each_loop, keys });
        if let Some(otherwise) = &emission.otherwise {
            let place = place.map(|(index, instead)| (index, instead + 1));
            let changing = changing.instead_of(emission);
            let fails = with(when.map(Formula::negated));
            self.collect(otherwise, place, (&changing, each), &[fails]);
        }
    }

    fn keys(
        &self,
        emission: &'m Emission,
        when: &Formula<Atom<'m>>,
        place: Place<'_, 'm>,
    ) -> Vec<Key<'m>> {
        let event = self.model.events.iter().find(|event| event.name == emission.event);
        let unique = event.into_iter().flat_map(|event| &event.unique);
        let told = unique.filter_map(|unique| {
            let value = emission.fields.iter().find(|value| value.field == unique.field)?;
            let value = bare(&value.value);
            if !place.changing.tells(value) {
                return None;
            }
            let is_optional = matches!(value.result, Type::Optional(_));
            let present =
                is_optional.then(|| Formula::Is(self.atom(Fact::Present(value), value, place)));
            Some(Key {
                field: &unique.field,
                idempotent: unique.idempotent,
                when: Formula::All([when.clone()].into_iter().chain(present).collect()),
                each: place.each.map(|(of, _)| of),
            })
        });
        told.collect()
    }

    fn formula(&self, when: &'m Expression, place: Place<'_, 'm>) -> Formula<Atom<'m>> {
        let is = |fact| Formula::Is(self.atom(fact, when, place));
        match &when.kind {
            ExpressionKind::Boolean(true) => Formula::All(Vec::new()),
            ExpressionKind::Boolean(false) => Formula::Any(Vec::new()),
            ExpressionKind::Not(inner) => self.formula(inner, place).negated(),
            ExpressionKind::Logic(logic, left, right) => {
                let parts = vec![self.formula(left, place), self.formula(right, place)];
                match logic {
                    Logic::And => Formula::All(parts),
                    Logic::Or => Formula::Any(parts),
                }
            }
            ExpressionKind::Derived(call) if call.arguments.is_empty() => {
                self.formula(&call.stands_for, place)
            }
            ExpressionKind::Compare(comparison, left, right) => compared(*comparison, left, right)
                .map_or_else(
                    || is(Fact::Holds(when)),
                    |(fact, holds)| if holds { is(fact) } else { is(fact).negated() },
                ),
            ExpressionKind::Call(Method::IsSome, of, _) => is(Fact::Present(of)),
            ExpressionKind::Call(Method::IsNone | Method::ListIsEmpty, of, _) => {
                is(Fact::Present(of)).negated()
            }
            _ => is(Fact::Holds(when)),
        }
    }

    /// A fact about what `of` reads.
    fn atom(&self, fact: Fact<'m>, of: &Expression, place: Place<'_, 'm>) -> Atom<'m> {
        let free = free(of);
        let mut own = free.iter().filter(|name| !self.named.contains(name.as_str()));
        let is_element = |name: &String| place.each.is_some_and(|(_, element)| element == *name);
        let after = of.any(&|part| matches!(part.kind, ExpressionKind::Read(Scope::After, _)));
        let moves = after || own.clone().any(|name| !is_element(name));
        Atom {
            of: fact,
            is_told: !place.changing.has(of),
            each: place.each.map(|(of, _)| of).filter(|_| own.next().is_some()),
            at: moves.then_some(place.at),
        }
    }
}

/// The value that is claimed, without the `?` that its field adds.
fn bare(value: &Expression) -> &Expression {
    match &value.kind {
        ExpressionKind::Some(inner) => bare(inner),
        _ => value,
    }
}

/// A comparison as one of a few, or as that it is not so.
fn compared<'m>(
    comparison: Comparison,
    left: &'m Expression,
    right: &'m Expression,
) -> Option<(Fact<'m>, bool)> {
    if let Comparison::Equal | Comparison::NotEqual = comparison {
        let equal = comparison == Comparison::Equal;
        return Some(match (&left.kind, &right.kind) {
            (ExpressionKind::None, _) => (Fact::Present(right), !equal),
            (_, ExpressionKind::None) => (Fact::Present(left), !equal),
            _ if is_constant(left) => (Fact::Equal(right, left), equal),
            _ => (Fact::Equal(left, right), equal),
        });
    }
    // What is none is neither less nor greater.
    if [left, right].into_iter().any(|side| matches!(side.result, Type::Optional(_))) {
        return None;
    }
    match comparison {
        Comparison::Less => Some((Fact::Less(left, right), true)),
        Comparison::GreaterOrEqual => Some((Fact::Less(left, right), false)),
        Comparison::Greater => Some((Fact::Less(right, left), true)),
        Comparison::LessOrEqual => Some((Fact::Less(right, left), false)),
        Comparison::Equal | Comparison::NotEqual => None,
    }
}

fn is_constant(value: &Expression) -> bool {
    match &value.kind {
        ExpressionKind::Some(inner)
        | ExpressionKind::Widen(inner)
        | ExpressionKind::Plain(inner)
        | ExpressionKind::Wrap(inner) => is_constant(inner),
        ExpressionKind::String(_)
        | ExpressionKind::Integer(_)
        | ExpressionKind::Decimal(_)
        | ExpressionKind::Boolean(_)
        | ExpressionKind::Duration(_)
        | ExpressionKind::Variant(_) => true,
        _ => false,
    }
}

/// An atom at one time: what is told is the same whenever the command is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment<'m> {
    atom: Atom<'m>,
    time: Option<Time>,
    element: Option<Element>,
}

/// When a command was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    First,
    Again,
}

/// Which element of a list: those of which one event speaks and another are not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    /// The one whose key was claimed.
    Claimed,
    /// The one with whose event it is about.
    Emitted,
    /// One of another list.
    Other,
}

fn at<'m>(when: &Formula<Atom<'m>>, time: Time, element: Option<Element>) -> Formula<Moment<'m>> {
    when.map(&|atom| Moment {
        atom: *atom,
        time: (!atom.is_told).then_some(time),
        element: element.filter(|_| atom.each.is_some()),
    })
}

/// Two values of one thing.
fn excludes(one: &Moment<'_>, other: &Moment<'_>) -> bool {
    let (Fact::Equal(left, value), Fact::Equal(same, another)) = (one.atom.of, other.atom.of)
    else {
        return false;
    };
    let alike = Moment { atom: Atom { of: other.atom.of, ..one.atom }, ..*one } == *other;
    alike && left == same && value != another && is_constant(value) && is_constant(another)
}

/// That none of the keys is claimed where `emitted` is, for the elements that are spoken of.
fn unclaimed<'k, 'm: 'k>(
    keys: impl Iterator<Item = &'k Key<'m>>,
    time: Time,
    emitted: &Branch<'m>,
    claimed: Option<&Key<'m>>,
) -> Vec<Formula<Moment<'m>>> {
    let mut none = Vec::new();
    for key in keys {
        let mut spoken = Vec::new();
        if key.each == emitted.each {
            spoken.push(Element::Emitted);
        }
        if claimed.is_some_and(|claimed| claimed.each == key.each) {
            spoken.push(Element::Claimed);
        }
        if spoken.is_empty() {
            spoken.push(Element::Other);
        }
        none.extend(spoken.into_iter().map(|element| at(&key.when, time, Some(element)).negated()));
    }
    none
}

/// Whether a branch may be taken where no key is claimed.
pub(super) fn goes_without_key(branch: &Branch<'_>, branches: &[Branch<'_>]) -> bool {
    let keys = branches.iter().flat_map(|branch| &branch.keys);
    let mut all = unclaimed(keys, Time::First, branch, None);
    all.push(at(&branch.when, Time::First, Some(Element::Emitted)));
    can_all_hold(&all, &excludes)
}

/// Whether the same input can claim a key the first time, and take a branch without any key that recognises the
/// command the second.
pub(super) fn is_lost(branch: &Branch<'_>, key: &Key<'_>, branches: &[Branch<'_>]) -> bool {
    let keys = branches.iter().flat_map(|branch| &branch.keys).filter(|key| key.idempotent);
    let mut all = unclaimed(keys, Time::Again, branch, Some(key));
    all.push(at(&key.when, Time::First, Some(Element::Claimed)));
    all.push(at(&branch.when, Time::Again, Some(Element::Emitted)));
    can_all_hold(&all, &excludes)
}
