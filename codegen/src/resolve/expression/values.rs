//! Literals with their types, and literals of records and lists.

use super::checker::{Checker, convert, value};
use super::names::listed;
use super::newtype::{plain, plain_type};
use super::tree::{Node, NodeKind};
use crate::catalogue::expressions::{
    LITERAL, RECORD_FIELDS, TYPE_MISMATCH, UNKNOWN_NAME, WRONG_RECORD,
};
use crate::diagnostic::Diagnostic;
use crate::model::{Expression, ExpressionKind, Type};
use crate::resolve::{order, text_value};
use crate::source::Span;
use crate::suggest::nearest;
use crate::syntax::Text;

/// The range of an integer.
const INTEGERS: &str = "an integer has 64 bits: from -9223372036854775808 to 9223372036854775807";

impl Checker<'_> {
    /// A text; where texts stand for times, dates, ids and bytes, one of those if it is expected.
    pub(super) fn text(
        &mut self,
        text: &str,
        expected: Option<&Type>,
        span: Span,
    ) -> Option<Expression> {
        let beneath = expected.map(|of| plain_type(super::names::beneath_optional(of)));
        if let (true, Some(expected)) = (self.scope.texts_are_values, beneath) {
            match text_value::parse(text, &expected) {
                Some(Ok(kind)) => return Some(value(kind, expected)),
                Some(Err(form)) => {
                    let title = format!("`{text}` is no {}", self.show(&expected));
                    let found = Diagnostic::error(&LITERAL, title, span, "cannot be read");
                    return self.refuse(found.help(format!("write it as {form}")));
                }
                None => {}
            }
        }
        Some(value(ExpressionKind::String(text.to_owned()), Type::String))
    }

    /// An integer; a decimal where one is expected, so that nothing is left to convert.
    pub(super) fn integer(
        &mut self,
        digits: u128,
        negative: bool,
        expected: Option<&Type>,
        span: Span,
    ) -> Option<Expression> {
        let sign = if negative { "-" } else { "" };
        let written = format!("{sign}{digits}");
        let beneath = expected.map(|of| plain_type(super::names::beneath_optional(of)));
        if let Some(Type::Decimal(_)) = beneath {
            if let Some(number) = super::literal::canonical_decimal(&written) {
                return Some(super::checker::decimal(number));
            }
            return self.too_large(&written, "decimal", "a decimal has 28 digits", span);
        }
        match written.parse() {
            Ok(number) => Some(value(ExpressionKind::Integer(number), Type::Integer)),
            Err(_) => self.too_large(&written, "integer", INTEGERS, span),
        }
    }

    fn too_large<T>(&mut self, written: &str, of: &str, help: &str, span: Span) -> Option<T> {
        let title = format!("`{written}` is too large for `{of}`");
        self.refuse(Diagnostic::error(&LITERAL, title, span, "too large").help(help))
    }

    /// `-x`
    pub(super) fn negate(&mut self, inner: &Node, expected: Option<&Type>) -> Option<Expression> {
        if let NodeKind::Integer(digits) = inner.kind {
            return self.integer(digits, true, expected, inner.span);
        }
        let found = plain(self.infer(inner, expected.map(super::names::beneath_optional))?);
        match (&found.kind, &found.result) {
            (ExpressionKind::Decimal(digits), _) if !digits.starts_with('-') => {
                let digits = if digits == "0" { "0".to_owned() } else { format!("-{digits}") };
                Some(super::checker::decimal(digits))
            }
            (ExpressionKind::Duration(micros), _) => {
                // A literal is never negative, so its negation is always in range.
                Some(value(ExpressionKind::Duration(-micros), Type::Duration))
            }
            (_, Type::Integer | Type::Decimal(_) | Type::Duration) => {
                let result = found.result.clone();
                Some(value(ExpressionKind::Negate(Box::new(found)), result))
            }
            (_, other) => {
                let shown = self.show(other);
                self.no_operator("-", &format!("`{shown}`"), inner.span)
            }
        }
    }

    /// `[a, b]`
    pub(super) fn list(
        &mut self,
        elements: &[Node],
        span: Span,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let element_type = match expected.map(super::names::beneath_optional) {
            Some(Type::List(element)) => Some(element.as_ref().clone()),
            Some(Type::Set(member)) => return self.set(elements, member),
            Some(map @ Type::Map(..)) => return self.map(elements, map, span),
            _ => None,
        };
        let Some(element_type) = element_type.or_else(|| self.common_type(elements)) else {
            let help = "an empty list has the type of the field it goes to; there is none here";
            return if elements.is_empty() { self.not_known("`[]`", span, help) } else { None };
        };
        let checked: Vec<Option<Expression>> =
            elements.iter().map(|element| self.check(element, &element_type)).collect();
        let checked: Vec<Expression> = checked.into_iter().collect::<Option<_>>()?;
        Some(value(ExpressionKind::List(checked), Type::List(Box::new(element_type))))
    }

    /// `[a, b]` where a set is expected.
    fn set(&mut self, members: &[Node], of: &Type) -> Option<Expression> {
        let checked: Vec<Option<Expression>> =
            members.iter().map(|member| self.check(member, of)).collect();
        let mut checked = checked.into_iter().collect::<Option<Vec<_>>>()?;
        if checked.iter().all(order::is_written_out) {
            checked.sort_by(|a, b| order::of_keys(self.scope.types, a, b));
            checked.dedup();
        }
        Some(value(ExpressionKind::Set(checked), Type::Set(Box::new(of.clone()))))
    }

    /// `[]` where a map is expected.
    fn map(&mut self, elements: &[Node], of: &Type, span: Span) -> Option<Expression> {
        if elements.is_empty() {
            return Some(value(ExpressionKind::Map(Vec::new()), of.clone()));
        }
        let title = format!("a list is no `{}`", self.show(of));
        let found = Diagnostic::error(&TYPE_MISMATCH, title, span, "only `[]` is, without entries");
        self.refuse(found.help("add entries one by one: `[].insert(key, value)`").help(
            "or write them as a constant: `constants: {name: {type: …, value: {key: value}}}`",
        ))
    }

    /// The type that the elements of a list share, told by the first that has one.
    fn common_type(&mut self, elements: &[Node]) -> Option<Type> {
        let first = elements.iter().find(|element| !self.needs_context(element));
        let first = first.or(elements.first())?;
        let (found, mut findings) = self.quietly(|probe| probe.infer(first, None));
        if found.is_none() {
            self.findings.append(&mut findings);
        }
        found.map(|found| found.result)
    }

    /// `Line { sku: a, ..base }`
    pub(super) fn record(
        &mut self,
        name: &Text,
        written: &[(Text, Node)],
        base: Option<&Node>,
        span: Span,
    ) -> Option<Expression> {
        let of = self.record_type(name)?;
        let Type::Record(rust) = &of else { return None };
        let declared = self.scope.types.record(rust)?;
        let base = match base {
            Some(base) => Some(Box::new(self.check(base, &of)?)),
            None => None,
        };
        let mut fields = Vec::new();
        let mut sound = true;
        for (index, (field, node)) in written.iter().enumerate() {
            if written[..index].iter().any(|(earlier, _)| earlier.value == field.value) {
                let title = format!("`{}` is set twice", field.value);
                self.findings.push(Diagnostic::error(&RECORD_FIELDS, title, field.span, "again"));
                sound = false;
                continue;
            }
            let checked =
                self.record_field(rust, field).and_then(|field_type| self.check(node, &field_type));
            match checked {
                Some(checked) => fields.push((field.value.clone(), checked)),
                None => sound = false,
            }
        }
        if base.is_none() {
            for field in &declared.0 {
                if written.iter().any(|(name, _)| name.value == field.name) {
                    continue;
                }
                match field.default.clone().filter(|_| field.default_is_written) {
                    Some(default) => fields.push((field.name.clone(), default)),
                    None => sound = self.missing_field(name, &field.name, span).is_some(),
                }
            }
            let position = |name: &str| declared.0.iter().position(|field| field.name == name);
            fields.sort_by_key(|(name, _)| position(name));
        } else if fields.len() == declared.0.len() {
            let title = format!("`..` adds nothing: every field of `{}` is set", name.value);
            let found = Diagnostic::error(&RECORD_FIELDS, title, span, "all fields are here");
            return self.refuse(found.help("remove the `..` part"));
        }
        sound.then(|| value(ExpressionKind::Record(fields, base), of.clone()))
    }

    fn missing_field(&mut self, record: &Text, field: &str, span: Span) -> Option<()> {
        let title = format!("`{}` lacks `{field}`", record.value);
        let found = Diagnostic::error(&RECORD_FIELDS, title, span, "a field is missing");
        self.refuse(
            found.help(format!("add `{field}: …`, or take the rest from a record: `..line`")),
        )
    }

    fn record_type(&mut self, name: &Text) -> Option<Type> {
        match self.scope.types.declared(&name.value) {
            Some(found @ Type::Record(_)) => Some(found),
            Some(Type::Newtype(..)) => {
                let title = format!("`{}` is a single value, not a record", name.value);
                let found = Diagnostic::error(&WRONG_RECORD, title, name.span, "a single value");
                self.refuse(found.help("write the value itself: it becomes one by itself"))
            }
            Some(_) => {
                let title = format!("`{}` is an enum, not a record", name.value);
                let found = Diagnostic::error(&WRONG_RECORD, title, name.span, "an enum");
                self.refuse(found.help(format!("write `{}::Variant`", name.value)))
            }
            None => {
                let title = format!("there is no record `{}`", name.value);
                let found = Diagnostic::error(&UNKNOWN_NAME, title, name.span, "unknown record");
                let names: Vec<&str> = self.scope.types.declared_names().collect();
                self.refuse(match nearest(&name.value, names.iter().copied()) {
                    Some(meant) => found.help(format!("did you mean `{meant}`?")),
                    None if names.is_empty() => found.help("declare it under `types:`"),
                    None => found.help(format!("the declared types are {}", listed(&names))),
                })
            }
        }
    }

    /// The expression in the type of its neighbour, where one converts to the other by itself.
    pub(super) fn meet(
        &mut self,
        left: Expression,
        right: Expression,
    ) -> Result<(Expression, Expression), (Type, Type)> {
        let (left_type, right_type) = (left.result.clone(), right.result.clone());
        let (left, right) = match alike(left, right) {
            Ok(met) => return Ok(met),
            Err(apart) => *apart,
        };
        let is_named = |of: &Type| matches!(super::names::beneath_optional(of), Type::Newtype(..));
        if is_named(&left_type) == is_named(&right_type) {
            return Err((left_type, right_type));
        }
        alike(plain(left), plain(right)).map_err(|_| (left_type, right_type))
    }
}

/// Both sides in one type, where one converts to the other by itself.
fn alike(
    left: Expression,
    right: Expression,
) -> Result<(Expression, Expression), Box<(Expression, Expression)>> {
    let (left_type, right_type) = (left.result.clone(), right.result.clone());
    match convert(left, &right_type) {
        Ok(left) => Ok((left, right)),
        Err(left) => match convert(right, &left_type) {
            Ok(right) => Ok((left, right)),
            Err(right) => Err(Box::new((left, right))),
        },
    }
}
