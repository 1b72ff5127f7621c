//! Conditions.

use super::Draw;
use super::expressions::within;
use super::literals::{Place, quoted};
use super::scope::Scope;
use super::types::Type;

impl Draw {
    /// Any condition.
    pub(crate) fn condition(&mut self, scope: &Scope, depth: u8) -> String {
        for _ in 0..4 {
            let found = match self.random.u8(..10) {
                0 | 1 if depth > 0 => self.joined(scope, depth),
                2 if depth > 0 => Some(format!("!({})", self.condition(scope, depth - 1))),
                3 if depth > 0 => self.known_and(scope, depth),
                4..=6 => self.compared(scope, depth),
                _ => self.asked(scope),
            };
            if let Some(found) = found {
                return found;
            }
        }
        self.random.bool().to_string()
    }

    fn joined(&mut self, scope: &Scope, depth: u8) -> Option<String> {
        let operator = self.word(&["&&", "||"]);
        Some(self.two(scope, operator, depth - 1))
    }

    /// Two conditions: of both, not everything is refused, and by either not everything is allowed.
    pub(crate) fn two(&mut self, scope: &Scope, operator: &str, depth: u8) -> String {
        let left = self.condition(scope, depth);
        let right = self.condition(&scope.beside(&left), depth);
        format!("({left}) {operator} ({right})")
    }

    /// `x.is_some() && … x …`
    fn known_and(&mut self, scope: &Scope, depth: u8) -> Option<String> {
        let path = self.find(scope, |of| matches!(of, Type::Optional(_)))?.path;
        let more = self.condition(&scope.knowing(&path), depth - 1);
        Some(match self.random.bool() {
            true => format!("{path}.is_some() && ({more})"),
            false => format!("{path}.is_none() || ({more})"),
        })
    }

    fn compared(&mut self, scope: &Scope, depth: u8) -> Option<String> {
        let left = self.find(scope, |_| true)?;
        if left.of.is_ordered() && self.random.bool() {
            // Of a choice the first value says the type of all, and others become it no more than it them.
            let other = |of: &Type| of != left.of.plain() && of.becomes(left.of.plain());
            let alone = !scope.reads.iter().any(|read| other(&read.of));
            let depth =
                if alone && left.of.plain() == &left.of { depth.saturating_sub(1) } else { 0 };
            let right = self.expression(scope, left.of.plain(), depth)?;
            let operator = self.word(&["<", "<=", ">", ">="]);
            return Some(format!("{} {operator} {}", left.path, within(&right)));
        }
        let wanted = match &left.of {
            Type::Optional(inner) if self.random.bool() => (**inner).clone(),
            of => of.clone(),
        };
        // What needs its neighbour to have a type does not find it through a choice.
        let right = self.expression(scope, &wanted, 0)?;
        let operator = self.word(&["==", "!="]);
        Some(format!("{} {operator} {}", left.path, within(&right)))
    }

    /// A question to one thing that is read.
    fn asked(&mut self, scope: &Scope) -> Option<String> {
        let read = self.find(scope, |_| true)?;
        self.about(&read.path, &read.of, scope)
    }

    /// A condition that reads this value.
    pub(crate) fn about(&mut self, path: &str, of: &Type, scope: &Scope) -> Option<String> {
        let several = self.random.u8(..3);
        Some(match of {
            Type::Boolean if several == 0 => format!("!{path}"),
            Type::Boolean => path.to_owned(),
            Type::Optional(inner) => match several {
                0 => format!("{path}.is_some()"),
                1 => format!("{path} == none"),
                _ => {
                    let local = self.local();
                    format!("{path}.is_some_and(|{local}| {})", self.about(&local, inner, scope)?)
                }
            },
            Type::List(element) => match several {
                0 => format!("{path}.is_empty()"),
                1 => format!("{path}.len() > {}", self.random.u8(..4)),
                _ => {
                    let (local, method) = (self.local(), self.word(&["any", "all"]));
                    let inner = self.about(&local, element, scope)?;
                    format!("{path}.{method}(|{local}| {inner})")
                }
            },
            Type::Set(member) => match self.expression(scope, member, 0) {
                Some(member) if several > 0 => format!("{path}.contains({member})"),
                _ => format!("{path}.len() <= {}", self.random.u8(..4)),
            },
            Type::Map(key, _) => match self.expression(scope, key, 0) {
                Some(key) if several > 0 => format!("{path}.contains_key({key})"),
                _ => format!("{path}.keys().len() != {}", self.random.u8(..4)),
            },
            Type::Record(name) => {
                let fields = self.record(name);
                let field = self.one(&fields).clone();
                self.about(&format!("{path}.{}", field.name), &field.of, scope)?
            }
            Type::Enum(owner, variants) => {
                let variant = self.one(variants).clone();
                format!("{path} == {}", self.variant(owner.as_deref(), &variant))
            }
            Type::Newtype(_, base) => return self.about(path, &base.clone(), scope),
            Type::String => self.about_text(path),
            Type::Integer => match if scope.infallible { 2 } else { several } {
                0 => format!("{path} % 2 == 0"),
                1 => format!("{path}.abs() > 3"),
                _ => format!("{path} >= -{}", self.random.u8(..9)),
            },
            Type::Decimal(_) => match if scope.infallible { 2 } else { several } {
                0 => format!("{path}.round(1) == {path}"),
                1 => format!("{path}.to_integer() < 7"),
                _ => format!("{path} > {}", self.literal(&Type::Decimal(None), Place::Expression)?),
            },
            Type::Duration => format!("{path}.hours() < {}", self.random.u8(..30)),
            Type::Timestamp | Type::Date | Type::Uuid | Type::Bytes => {
                // Not another named value: two of different names are never compared.
                let other = self.find(scope, |read| read == of)?.path;
                format!("{path} != {other}")
            }
        })
    }

    fn about_text(&mut self, path: &str) -> String {
        match self.random.u8(..6) {
            0 => format!("{path}.is_empty()"),
            1 => format!("{path}.starts_with({})", quoted("a")),
            2 => format!("{path}.matches(\"[a-z0-9-]*\")"),
            3 => format!("{path}.len() < {}", self.random.u8(..20)),
            4 => format!("{path}.trim().to_lowercase().contains({})", quoted("b")),
            _ => format!("{path} < {}", quoted("m")),
        }
    }
}
