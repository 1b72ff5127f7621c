//! What differs between the shape of a released version and what the ontology says now.

use super::shape::Shape;
use crate::naming::collision_key;
use crate::suggest::nearest;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The way to the field: its name, within those of the records around it.
    pub(super) path: Vec<String>,
    /// What happened there.
    pub(super) kind: Kind,
    /// The type before; none where the field is new.
    pub(super) old: Option<Shape>,
    /// The type now; none where the field is gone.
    pub(super) new: Option<Shape>,
}

/// The kinds of differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The field is new.
    Added,
    /// The field is gone.
    Removed,
    /// The field has this name now, most likely.
    Renamed(String),
    /// The field is spelled like this now.
    Recased(String),
    /// Every value of the old type is one of the new, in another form.
    Widened,
    /// Values of the old type may have more digits than the new takes.
    Narrowed,
    /// A value that could be absent is there now.
    Required,
    /// The type is another one.
    Retyped,
    /// The enum lost this variant, with the one that has its place, most likely.
    VariantLost(String, Option<String>),
    /// The enum has more variants, or they stand in another order.
    Variants,
}

/// Every difference between two shapes of records.
pub(super) fn compare(old: &Shape, new: &Shape) -> Vec<Change> {
    let mut changes = Changes { path: Vec::new(), found: Vec::new() };
    changes.types(old, new);
    changes.found
}

struct Changes {
    path: Vec<String>,
    found: Vec<Change>,
}

impl Changes {
    fn push(&mut self, kind: Kind, old: Option<&Shape>, new: Option<&Shape>) {
        let (old, new) = (old.cloned(), new.cloned());
        self.found.push(Change { path: self.path.clone(), kind, old, new });
    }

    fn at(&mut self, field: &str, look: impl FnOnce(&mut Self)) {
        self.path.push(field.to_owned());
        look(self);
        self.path.pop();
    }

    fn types(&mut self, old: &Shape, new: &Shape) {
        let (was, is) = (Some(old), Some(new));
        match (old, new) {
            (old, new) if old == new => {}
            (Shape::Record(old), Shape::Record(new)) => self.fields(old, new),
            (Shape::Enum(from), Shape::Enum(to)) => self.variants(from, to, old, new),
            (Shape::Optional(from), Shape::Optional(to)) => self.types(from, to),
            (_, Shape::Optional(to)) if old == to.as_ref() => self.push(Kind::Widened, was, is),
            (_, Shape::Optional(to)) => self.types(old, to),
            (Shape::Optional(from), _) => {
                let fits = from.as_ref() == new || scalars(from, new) == Kind::Widened;
                self.push(if fits { Kind::Required } else { Kind::Retyped }, was, is);
            }
            (Shape::Of(a, from), Shape::Of(b, to)) if a == b && from.len() == to.len() => {
                from.iter().zip(to).for_each(|(from, to)| self.types(from, to));
            }
            _ => self.push(scalars(old, new), was, is),
        }
    }

    fn fields(&mut self, old: &[(String, Shape)], new: &[(String, Shape)]) {
        let has = |fields: &[(String, Shape)], name: &str| fields.iter().any(|f| f.0 == name);
        let mut added: Vec<&(String, Shape)> = new.iter().filter(|f| !has(old, &f.0)).collect();
        for (name, was) in old {
            if let Some((_, is)) = new.iter().find(|field| field.0 == *name) {
                self.at(name, |this| this.types(was, is));
                continue;
            }
            let (kind, successor) = successor(name, was, &added);
            let is = successor.map(|at| &added.remove(at).1);
            self.at(name, |this| this.push(kind, Some(was), is));
        }
        for (name, is) in added {
            self.at(name, |this| this.push(Kind::Added, None, Some(is)));
        }
    }

    fn variants(&mut self, from: &[String], to: &[String], old: &Shape, new: &Shape) {
        let (was, is) = (Some(old), Some(new));
        let mut added: Vec<&str> =
            to.iter().filter(|variant| !from.contains(variant)).map(String::as_str).collect();
        let lost: Vec<&String> = from.iter().filter(|variant| !to.contains(variant)).collect();
        for variant in &lost {
            let recased = added.iter().position(|a| collision_key(a) == collision_key(variant));
            let near = || added.iter().position(|a| nearest(variant, [*a]).is_some());
            let only = || (added.len() == 1 && lost.len() == 1).then_some(0);
            let successor = recased.or_else(near).or_else(only).map(|at| added.remove(at));
            let successor = successor.map(ToOwned::to_owned);
            self.push(Kind::VariantLost((*variant).clone(), successor), was, is);
        }
        if lost.is_empty() {
            self.push(Kind::Variants, was, is);
        }
    }
}

/// What became of a field that has gone, and which of the new ones has its place, most likely.
fn successor(name: &str, was: &Shape, added: &[&(String, Shape)]) -> (Kind, Option<usize>) {
    let recased = added.iter().position(|new| collision_key(&new.0) == collision_key(name));
    if let Some(at) = recased {
        return (Kind::Recased(added[at].0.clone()), Some(at));
    }
    let alike: Vec<usize> = (0..added.len()).filter(|at| added[*at].1 == *was).collect();
    let near = alike.iter().copied().find(|at| nearest(name, [added[*at].0.as_str()]).is_some());
    match near.or_else(|| alike.first().copied().filter(|_| alike.len() == 1)) {
        Some(at) => (Kind::Renamed(added[at].0.clone()), Some(at)),
        None => (Kind::Removed, None),
    }
}

/// What happens to a value between two types that are no records, lists or optionals of one kind.
fn scalars(old: &Shape, new: &Shape) -> Kind {
    /// Of an integer of 64 bits.
    const INTEGER: u32 = 19;
    let named = |shape: &Shape, name: &str| matches!(shape, Shape::Name(of) if of == name);
    match (old, new) {
        (old, new) if named(old, "integer") && named(new, "decimal") => Kind::Widened,
        (Shape::Decimal(..), new) if named(new, "decimal") => Kind::Widened,
        (old, Shape::Decimal(..)) if named(old, "decimal") => Kind::Narrowed,
        (old, Shape::Decimal(digits, scale)) if named(old, "integer") => {
            let fits = digits.saturating_sub(*scale) >= INTEGER;
            if fits { Kind::Widened } else { Kind::Narrowed }
        }
        (Shape::Decimal(digits, scale), Shape::Decimal(of, to)) => {
            let fits = scale <= to && digits.saturating_sub(*scale) <= of.saturating_sub(*to);
            if fits { Kind::Widened } else { Kind::Narrowed }
        }
        _ => Kind::Retyped,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, compare};
    use crate::lock::shape::Shape;

    /// Each difference as its path and kind.
    fn found(old: &str, new: &str) -> Vec<(String, Kind)> {
        let changes = compare(&Shape::parse(old), &Shape::parse(new));
        changes.into_iter().map(|change| (change.path.join("."), change.kind)).collect()
    }

    fn of_type(old: &str, new: &str) -> Vec<Kind> {
        let within = |of: &str| format!("{{x: {of}}}");
        found(&within(old), &within(new)).into_iter().map(|(_, kind)| kind).collect()
    }

    #[test]
    fn what_every_old_value_has_room_in_is_wider() {
        for (old, new) in [
            ("integer", "decimal"),
            ("integer", "decimal(21,2)"),
            ("string", "string?"),
            ("decimal(5,2)", "decimal"),
            ("decimal(5,2)", "decimal(7,2)"),
            ("decimal(5,2)", "decimal(6,3)"),
            ("list<integer>", "list<decimal>"),
        ] {
            assert_eq!(of_type(old, new), [Kind::Widened], "{old} to {new}");
        }
        for (old, new) in [
            ("decimal", "decimal(28,2)"),
            ("decimal(6,3)", "decimal(6,2)"),
            ("decimal(5,2)", "decimal(5,3)"),
            ("integer", "decimal(20,2)"),
        ] {
            assert_eq!(of_type(old, new), [Kind::Narrowed], "{old} to {new}");
        }
        assert_eq!(of_type("string?", "string"), [Kind::Required]);
        for (old, new) in [("string", "integer"), ("decimal", "integer"), ("date", "timestamp?")] {
            assert_eq!(of_type(old, new), [Kind::Retyped], "{old} to {new}");
        }
    }

    #[test]
    fn a_field_is_renamed_where_another_of_its_type_has_its_place() {
        let renamed = |to: &str| Kind::Renamed(to.to_owned());
        assert_eq!(
            found("{amount: decimal, at: date}", "{at: date, value: decimal}"),
            [("amount".into(), renamed("value"))]
        );
        assert_eq!(
            found("{a: date}", "{b: string}"),
            [("a".into(), Kind::Removed), ("b".into(), Kind::Added)]
        );
        // Of two that fit, the one that is spelled alike.
        assert_eq!(
            found("{note: string}", "{by: string, notes: string}"),
            [("note".into(), renamed("notes")), ("by".into(), Kind::Added)]
        );
        assert_eq!(
            found("{accountId: string}", "{account_id: string}"),
            [("accountId".into(), Kind::Recased("account_id".into()))]
        );
    }

    #[test]
    fn what_changed_within_records_has_its_way_there() {
        assert_eq!(
            found("{lines: list<{sku: string}>?}", "{lines: list<{sku: string, n: integer}>?}"),
            [("lines.n".into(), Kind::Added)]
        );
    }

    #[test]
    fn variants_are_lost_renamed_added_or_reordered() {
        let lost = |from: &str, to: Option<&str>| {
            Kind::VariantLost(from.to_owned(), to.map(ToOwned::to_owned))
        };
        assert_eq!(of_type("enum[A, B]", "enum[A]"), [lost("B", None)]);
        assert_eq!(of_type("enum[A, Sent]", "enum[A, Gone]"), [lost("Sent", Some("Gone"))]);
        assert_eq!(of_type("enum[A, Sent]", "enum[A, SENT]"), [lost("Sent", Some("SENT"))]);
        assert_eq!(of_type("enum[A]", "enum[A, B]"), [Kind::Variants]);
        assert_eq!(of_type("enum[A, B]", "enum[B, A]"), [Kind::Variants]);
    }
}
