//! Plain values of scenarios and constants, typed by the field they stand for.

use super::expression::literal::{UNIT_LIST, canonical_decimal, duration_micros};
use super::expression::{Purpose, listed};
use super::fields::Field;
use super::text_value;
use super::types::Types;
use crate::catalogue::scenarios::VALUE;
use crate::catalogue::types::{BREAKS_RULE, DIGITS, TWICE};
use crate::commas;
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Type};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::{Literal, Text};

/// Reads plain values.
pub(crate) struct Reader<'a> {
    pub(crate) types: &'a Types,
    pub(crate) findings: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The value of a field; none where it or the field is wrong.
    pub(crate) fn value(&mut self, field: &Field, written: &Literal) -> Option<Expression> {
        let of = field.field_type.as_ref()?;
        let text = format!("`{}` is `{}`", field.name, self.types.show(of));
        self.read(written, of, &Purpose { span: field.span, text })
    }

    /// The value as one of this type; none where it is wrong.
    pub(crate) fn read(
        &mut self,
        written: &Literal,
        of: &Type,
        purpose: &Purpose,
    ) -> Option<Expression> {
        if let Type::Optional(inner) = of {
            let kind = if is_none(written) {
                ExpressionKind::None
            } else {
                ExpressionKind::Some(Box::new(self.read(written, inner, purpose)?))
            };
            return Some(Expression { kind, result: of.clone() });
        }
        if let Type::Newtype(rust, base) = of {
            let value = self.read(written, base, purpose)?;
            if let Some(rule) = self.types.newtype_of(rust)?.broken_by(&value.kind) {
                let shown = self.types.show(of);
                self.findings.push(breaks_rule(&rule, &shown, place(written), purpose));
                return None;
            }
            return Some(Expression {
                kind: ExpressionKind::Wrap(Box::new(value)),
                result: of.clone(),
            });
        }
        let kind = match (written, of) {
            (Literal::List(elements, _), Type::List(element)) => {
                let elements: Vec<Option<Expression>> =
                    elements.iter().map(|value| self.read(value, element, purpose)).collect();
                ExpressionKind::List(elements.into_iter().collect::<Option<_>>()?)
            }
            (Literal::List(members, _), Type::Set(member)) => {
                ExpressionKind::Set(self.members(members, member, purpose)?)
            }
            (Literal::Record(entries, _), Type::Map(key, value)) => {
                ExpressionKind::Map(self.entries(entries, (key, value), purpose)?)
            }
            (Literal::Record(fields, span), Type::Record(rust)) => {
                self.record(fields, *span, rust)?
            }
            (Literal::Scalar { text, quoted }, _) => match self.scalar(&text.value, *quoted, of) {
                Some(kind) => kind,
                None => return self.wrong(text.span, &text.value, of, purpose),
            },
            (Literal::List(_, span), _) => return self.wrong(*span, "a list", of, purpose),
            (Literal::Record(_, span), _) => return self.wrong(*span, "a mapping", of, purpose),
        };
        self.within_digits(&kind, of, written, purpose)?;
        Some(Expression { kind, result: of.clone() })
    }

    fn scalar(&self, text: &str, quoted: bool, of: &Type) -> Option<ExpressionKind> {
        match of {
            Type::String => {
                (quoted || !is_none_text(text)).then(|| ExpressionKind::String(text.into()))
            }
            Type::Integer => text.parse().ok().map(ExpressionKind::Integer),
            Type::Decimal(_) => canonical_decimal(text).map(ExpressionKind::Decimal),
            Type::Boolean => match text {
                "true" => Some(ExpressionKind::Boolean(true)),
                "false" => Some(ExpressionKind::Boolean(false)),
                _ => None,
            },
            Type::Duration => {
                let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
                duration_micros(digits).map(|micros| ExpressionKind::Duration(sign * micros))
            }
            Type::Timestamp | Type::Date | Type::Uuid | Type::Bytes => {
                text_value::parse(text, of)?.ok()
            }
            Type::Enum(rust) => {
                let known = self.types.variants(rust).iter().any(|variant| variant == text);
                known.then(|| ExpressionKind::Variant(text.into()))
            }
            Type::List(_)
            | Type::Set(_)
            | Type::Map(..)
            | Type::Record(_)
            | Type::Newtype(..)
            | Type::Optional(_) => None,
        }
    }

    /// The members of a set, in their order.
    fn members(
        &mut self,
        written: &[Literal],
        of: &Type,
        purpose: &Purpose,
    ) -> Option<Vec<Expression>> {
        let members = written.iter().map(|member| {
            let read = self.read(member, of, purpose)?;
            Some((read, place(member)))
        });
        let members: Vec<_> = members.collect();
        let members = members.into_iter().collect::<Option<Vec<_>>>()?;
        let title = "a set has this member twice";
        let sorted = self.in_order(members, title, |(member, place)| (member, *place))?;
        Some(sorted.into_iter().map(|(member, _)| member).collect())
    }

    /// The entries of a map, in the order of their keys.
    fn entries(
        &mut self,
        written: &[(Text, Literal)],
        (key, value): (&Type, &Type),
        purpose: &Purpose,
    ) -> Option<Vec<(Expression, Expression)>> {
        let entries = written.iter().map(|(text, literal)| {
            let name = Literal::Scalar { text: text.clone(), quoted: true };
            let (read, value) =
                (self.read(&name, key, purpose), self.read(literal, value, purpose));
            Some((read?, value?, text.span))
        });
        let entries: Vec<_> = entries.collect();
        let entries = entries.into_iter().collect::<Option<Vec<_>>>()?;
        let title = "a map has this key twice";
        let sorted = self.in_order(entries, title, |(key, _, place)| (key, *place))?;
        Some(sorted.into_iter().map(|(key, value, _)| (key, value)).collect())
    }

    /// Sorted by what tells them apart; none where one comes twice.
    fn in_order<T>(
        &mut self,
        mut items: Vec<T>,
        title: &str,
        key: impl Fn(&T) -> (&Expression, Span),
    ) -> Option<Vec<T>> {
        items.sort_by(|a, b| {
            let order = super::order::of_keys(self.types, key(a).0, key(b).0);
            order.then(key(a).1.start.cmp(&key(b).1.start))
        });
        let doubled = items.windows(2).find_map(|pair| {
            let (first, second) = (key(&pair[0]), key(&pair[1]));
            (first.0 == second.0).then_some((first.1, second.1))
        });
        let Some((first, second)) = doubled else { return Some(items) };
        let found = Diagnostic::error(&TWICE, title, second, "again");
        self.findings.push(found.place(first, "first"));
        None
    }

    fn record(
        &mut self,
        written: &[(Text, Literal)],
        span: Span,
        rust: &str,
    ) -> Option<ExpressionKind> {
        let declared = self.types.record(rust)?;
        let shown = format!("`{}`", self.types.show(&Type::Record(rust.to_owned())));
        let mut sound = true;
        for (name, _) in written {
            if !declared.contains(&name.value) {
                self.findings.push(super::assign::unknown(name, &shown, declared));
                sound = false;
            }
        }
        let mut values = Vec::new();
        for field in &declared.0 {
            let given = written.iter().find(|(name, _)| name.value == field.name);
            let value = match given {
                Some((_, value)) => self.value(field, value),
                None => super::scenario::default(field),
            };
            match value {
                Some(value) => values.push((field.name.clone(), value)),
                None => {
                    if given.is_none() && field.field_type.is_some() {
                        let title = format!("{shown} lacks `{}`", field.name);
                        self.findings.push(Diagnostic::error(
                            &VALUE,
                            title,
                            span,
                            "a field is missing",
                        ));
                    }
                    sound = false;
                }
            }
        }
        sound.then_some(ExpressionKind::Record(values, None))
    }

    /// A value that its type would refuse can't have happened.
    fn within_digits(
        &mut self,
        kind: &ExpressionKind,
        of: &Type,
        written: &Literal,
        purpose: &Purpose,
    ) -> Option<()> {
        let (Type::Decimal(Some((digits, scale))), ExpressionKind::Decimal(text)) = (of, kind)
        else {
            return Some(());
        };
        if super::types::fits_digits(text, *digits, *scale) {
            return Some(());
        }
        let Literal::Scalar { text: place, .. } = written else { return None };
        let title = format!("`{text}` does not fit `{}`", self.types.show(of));
        self.findings.push(
            Diagnostic::error(&DIGITS, title, place.span, "too many digits")
                .place(purpose.span, purpose.text.clone()),
        );
        None
    }

    fn wrong<T>(&mut self, span: Span, written: &str, of: &Type, purpose: &Purpose) -> Option<T> {
        let shown = self.types.show(of);
        let what =
            if written.starts_with("a ") { written.to_owned() } else { format!("`{written}`") };
        let title = format!("{what} is no `{shown}`");
        let found = Diagnostic::error(&VALUE, title, span, format!("expected `{shown}`"))
            .place(purpose.span, purpose.text.clone());
        self.findings.push(match of {
            Type::Enum(rust) => {
                let variants: Vec<&str> =
                    self.types.variants(rust).iter().map(String::as_str).collect();
                match nearest(written, variants.iter().copied()) {
                    Some(meant) => found.help(format!("did you mean `{meant}`?")),
                    None => found.help(format!("the variants are {}", listed(&variants))),
                }
            }
            Type::Boolean if matches!(written, "yes" | "on") => found.help("write `true`"),
            Type::Boolean if matches!(written, "no" | "off") => found.help("write `false`"),
            Type::Decimal(_) | Type::Integer if written.contains(',') => {
                found.help(commas::help(written, *of == Type::Integer))
            }
            other => match form(other) {
                Some(form) => found.help(format!("write it as {form}")),
                None => found,
            },
        });
        None
    }
}

/// How a value of the type is written.
fn form(of: &Type) -> Option<String> {
    match of {
        Type::String => Some("text, in quotes where it reads like something else".into()),
        Type::Integer => Some("a whole number of 64 bits".into()),
        Type::Decimal(_) => Some("all digits, as `\"100.01\"`".into()),
        Type::Boolean => Some("`true` or `false`".into()),
        Type::Duration => Some(format!("`5m`; the units are {UNIT_LIST}")),
        Type::List(_) | Type::Set(_) => Some("a list: `[…]`".into()),
        Type::Map(..) => Some("a mapping: `{key: value}`".into()),
        Type::Record(_) => Some("a mapping: `{field: value}`".into()),
        other => text_value::parse("", other).and_then(Result::err).map(str::to_owned),
    }
}

/// A value that its type would refuse.
fn breaks_rule(rule: &str, shown: &str, at: Span, purpose: &Purpose) -> Diagnostic {
    let title = format!("this is no `{shown}`: it must {rule}");
    Diagnostic::error(&BREAKS_RULE, title, at, "breaks the rule")
        .place(purpose.span, purpose.text.clone())
}

/// Where a value stands.
fn place(written: &Literal) -> Span {
    match written {
        Literal::Scalar { text, .. } => text.span,
        Literal::List(_, span) | Literal::Record(_, span) => *span,
    }
}

fn is_none(written: &Literal) -> bool {
    matches!(written, Literal::Scalar { text, quoted: false } if is_none_text(&text.value))
}

fn is_none_text(text: &str) -> bool {
    matches!(text, "none" | "null" | "~")
}
