//! What a decision may emit, and when: the ways through it that rules about keys look at.

use crate::model::changing::Changing;
use crate::model::{
    Aggregate, Command, Decision, Emission, Expression, ExpressionKind, Logic, Step, Type,
};

/// What must be so for a branch to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition<'m> {
    /// What has this value. Of an optional or a list: it is present, or has elements.
    of: &'m Expression,
    holds: bool,
    /// Whether the input alone tells it, so that what is sent again finds it as it was.
    pub(super) is_told: bool,
    /// The emission of whose elements it speaks.
    each: Option<usize>,
}

impl Condition<'_> {
    fn opposite(self) -> Self {
        Self { holds: !self.holds, ..self }
    }
}

/// One emission of a command.
pub(super) struct Branch<'m> {
    /// Which of the command's emissions it is, and how many `else` it is away from there; none where a refusal
    /// keeps it.
    pub(super) place: Option<(usize, usize)>,
    /// What is emitted.
    pub(super) emission: &'m Emission,
    /// When.
    pub(super) conditions: Vec<Condition<'m>>,
    /// The unique fields whose values are the same each time the command is sent.
    pub(super) keys: Vec<Key<'m>>,
}

/// A key that the input tells.
pub(super) struct Key<'m> {
    /// Its field.
    pub(super) field: &'m str,
    /// Whether it recognises commands.
    pub(super) idempotent: bool,
    /// Where it is claimed only if there is one: that there is.
    pub(super) present: Option<Condition<'m>>,
}

/// The branches of a command that can be; none of a decision by hand.
pub(super) fn branches<'m>(model: &'m Aggregate, command: &'m Command) -> Vec<Branch<'m>> {
    let Decision::Declared { steps, emit, .. } = &command.decision else { return Vec::new() };
    let mut walk = Walk { model, found: Vec::new() };
    let (mut changing, mut passed) = (Changing::default(), Vec::new());
    for step in steps {
        let ends = match step {
            Step::Reject(rejection) => {
                let mut refused = passed.clone();
                add(&mut refused, &rejection.when, true, (&changing, None));
                for kept in &rejection.emit {
                    walk.collect(kept, None, (&changing, None), &refused);
                }
                Some(&rejection.when)
            }
            Step::NothingToDo(condition) => Some(condition),
            Step::Let(..) | Step::Unwrap { .. } | Step::Target | Step::Unique(_) => None,
        };
        if let Some(condition) = ends {
            add(&mut passed, condition, false, (&changing, None));
        }
        changing.pass(step);
    }
    for (index, emission) in emit.iter().enumerate() {
        walk.collect(emission, Some((index, 0)), (&changing, None), &passed);
    }
    walk.found.retain(|branch| {
        let conditions = &branch.conditions;
        !conditions.iter().any(|condition| conditions.contains(&condition.opposite()))
    });
    walk.found
}

struct Walk<'m> {
    model: &'m Aggregate,
    found: Vec<Branch<'m>>,
}

impl<'m> Walk<'m> {
    fn collect(
        &mut self,
        emission: &'m Emission,
        place: Option<(usize, usize)>,
        (changing, mut each): (&Changing, Option<usize>),
        around: &[Condition<'m>],
    ) {
        let within = changing.within(emission);
        let (mut holds, mut fails) = (around.to_vec(), around.to_vec());
        if let Some((_, list)) = &emission.for_each {
            let some = condition(list, true, (changing, each));
            holds.push(some);
            fails.push(some);
            // What is said of an element of one list is not said of those of another.
            each = Some(self.found.len());
        }
        if let Some(when) = &emission.when {
            add(&mut holds, when, true, (&within, each));
            add(&mut fails, when, false, (&within, each));
        }
        let keys = self.keys(emission, &within, each);
        self.found.push(Branch { place, emission, conditions: holds, keys });
        if let Some(otherwise) = &emission.otherwise {
            let place = place.map(|(index, instead)| (index, instead + 1));
            let changing = changing.instead_of(emission);
            self.collect(otherwise, place, (&changing, each), &fails);
        }
    }

    fn keys(&self, emission: &'m Emission, within: &Changing, each: Option<usize>) -> Vec<Key<'m>> {
        let event = self.model.events.iter().find(|event| event.name == emission.event);
        let unique = event.into_iter().flat_map(|event| &event.unique);
        let told = unique.filter_map(|unique| {
            let value = emission.fields.iter().find(|value| value.field == unique.field)?;
            let value = bare(&value.value);
            if !within.tells(value) {
                return None;
            }
            let is_optional = matches!(value.result, Type::Optional(_));
            let present = is_optional.then(|| condition(value, true, (within, each)));
            Some(Key { field: &unique.field, idempotent: unique.idempotent, present })
        });
        told.collect()
    }
}

/// The value that is claimed, without the `?` that its field adds.
fn bare(value: &Expression) -> &Expression {
    match &value.kind {
        ExpressionKind::Some(inner) => bare(inner),
        _ => value,
    }
}

/// Adds what follows from a condition, each part of it by itself where all parts must be so.
fn add<'m>(
    to: &mut Vec<Condition<'m>>,
    when: &'m Expression,
    holds: bool,
    (changing, each): (&Changing, Option<usize>),
) {
    match &when.kind {
        ExpressionKind::Not(inner) => add(to, inner, !holds, (changing, each)),
        ExpressionKind::Logic(logic, left, right) if (*logic == Logic::And) == holds => {
            add(to, left, holds, (changing, each));
            add(to, right, holds, (changing, each));
        }
        _ => to.push(condition(when, holds, (changing, each))),
    }
}

fn condition<'m>(
    of: &'m Expression,
    holds: bool,
    (changing, each): (&Changing, Option<usize>),
) -> Condition<'m> {
    Condition { of, holds, is_told: !changing.has(of), each }
}

/// Whether a key is claimed along with a branch, whatever has changed: `always` are the conditions under which one
/// is, `known` what the input is known to tell.
pub(super) fn goes_along<'m>(
    branch: &Branch<'m>,
    always: &[Vec<Condition<'m>>],
    known: &[Condition<'m>],
) -> bool {
    let holds = |condition: &Condition<'m>| {
        branch.conditions.contains(condition) || known.contains(condition)
    };
    always.iter().any(|conditions| conditions.iter().all(holds))
}

/// Whether the input alone tells that only one of the two happens.
pub(super) fn excludes(one: &[Condition<'_>], other: &[Condition<'_>]) -> bool {
    // Of several elements it can be so and so.
    let told = |condition: &&Condition<'_>| condition.is_told && condition.each.is_none();
    one.iter().filter(told).any(|condition| other.contains(&condition.opposite()))
}

/// The same conditions, with those that two of them only have in opposite ways left out as well: where both have a
/// key, there is one in either case.
pub(super) fn joined<'m>(mut all: Vec<Vec<Condition<'m>>>) -> Vec<Vec<Condition<'m>>> {
    /// More than this are not looked through.
    const MOST: usize = 200;
    let mut at = 0;
    while at < all.len() && all.len() < MOST {
        let new: Vec<_> =
            all[..at].iter().filter_map(|earlier| in_either_case(earlier, &all[at])).collect();
        for joint in new {
            if !all.iter().any(|known| is_same(known, &joint)) {
                all.push(joint);
            }
        }
        at += 1;
    }
    all
}

/// What two have in common, where they differ in the sign of one condition alone.
fn in_either_case<'m>(
    one: &[Condition<'m>],
    other: &[Condition<'m>],
) -> Option<Vec<Condition<'m>>> {
    let apart = one.iter().copied().find(|condition| other.contains(&condition.opposite()))?;
    let without = |of: &[Condition<'m>], out: Condition<'m>| -> Vec<Condition<'m>> {
        of.iter().copied().filter(|condition| *condition != out).collect()
    };
    let (rest, others) = (without(one, apart), without(other, apart.opposite()));
    is_same(&rest, &others).then_some(rest)
}

fn is_same(one: &[Condition<'_>], other: &[Condition<'_>]) -> bool {
    one.iter().all(|condition| other.contains(condition))
        && other.iter().all(|condition| one.contains(condition))
}
