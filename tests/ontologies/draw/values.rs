//! Expressions of a given type: what is particular to each.

use super::Draw;
use super::expressions::within;
use super::literals::{Place, quoted};
use super::scope::Scope;
use super::types::Type;

impl Draw {
    pub(crate) fn value(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        match of {
            Type::String => self.text(scope, depth),
            Type::Integer => self.integer(scope, depth),
            Type::Decimal(Some(_)) if scope.infallible => None,
            Type::Decimal(_) => self.number(scope, depth),
            Type::Boolean => Some(self.condition(scope, depth)),
            Type::Timestamp | Type::Duration if scope.infallible => None,
            Type::Timestamp => self.time(scope),
            Type::Date => {
                let time = self.expression(scope, &Type::Timestamp, 0)?;
                Some(format!("{}.date()", within(&time)))
            }
            Type::Duration => self.span(scope),
            Type::Uuid | Type::Bytes | Type::Enum(..) | Type::Newtype(..) => None,
            Type::Record(name) => self.built(&name.clone(), scope, depth),
            Type::List(element) => self.list(scope, of, element, depth),
            Type::Set(member) => self.set(scope, of, member, depth),
            Type::Map(key, value) => self.map(scope, of, key, value, depth),
            Type::Optional(inner) => match self.random.u8(..3) {
                0 => self.optional_of(scope, inner),
                1 => {
                    let first = self.optional_of(scope, inner)?;
                    Some(format!("{first}.or({})", self.optional_of(scope, inner)?))
                }
                _ => self.expression(scope, inner, depth - 1),
            },
        }
    }

    fn is_text(of: &Type) -> bool {
        *of.plain() == Type::String
    }

    fn text(&mut self, scope: &Scope, depth: u8) -> Option<String> {
        let read = self.find(scope, Self::is_text).map(|read| read.path);
        let base = match read {
            Some(path) => path,
            None => self.literal(&Type::String, Place::Expression)?,
        };
        Some(match self.random.u8(..7) {
            0 | 1 => {
                // Texts that are kept and joined would double with each event.
                let more = self.expression(&scope.fresh(), &Type::String, depth - 1)?;
                format!("{base}.concat({more})")
            }
            2 => format!("{base}.trim()"),
            3 => format!("{base}.to_lowercase()"),
            4 => format!("{base}.replace(\"a\", \"-\")"),
            5 => format!("{base}.replace_matching(\"[0-9]+\", \"#\")"),
            _ => {
                let shown = self.find(&scope.fresh(), |of| {
                    !matches!(of.plain(), Type::Bytes | Type::Boolean) && of.is_single()
                })?;
                format!("format(\"{{{}}} {{{{it's}}}}\")", shown.path)
            }
        })
    }

    fn integer(&mut self, scope: &Scope, depth: u8) -> Option<String> {
        if scope.infallible || self.random.u8(..3) == 0 {
            return self.counted(scope);
        }
        let left = self.expression(scope, &Type::Integer, depth - 1)?;
        let right = self.expression(scope, &Type::Integer, depth - 1)?;
        let (left, right) = (within(&left), within(&right));
        Some(match self.random.u8(..9) {
            0..=2 => format!("{left} + {right}"),
            3 => format!("{left} - {right}"),
            4 => format!("{left} * {right}"),
            5 => format!("{left} / {}", self.random.u8(1..9)),
            6 => format!("{left} % 7"),
            7 => format!("{left}.max({right})"),
            _ => format!("-{left}"),
        })
    }

    /// A number that something else gives.
    fn counted(&mut self, scope: &Scope) -> Option<String> {
        let read = self.find(scope, |of| {
            use Type::{Decimal, Duration, List, Map, Set, String};
            let fails = matches!(of.plain(), Decimal(_)) && scope.infallible;
            let counts =
                matches!(of.plain(), List(_) | Set(_) | Map(..) | String | Decimal(_) | Duration);
            counts && !fails
        })?;
        let path = read.path;
        Some(match read.of.plain() {
            Type::Decimal(_) => format!("{path}.to_integer()"),
            Type::Duration => format!("{path}.minutes()"),
            Type::List(element) if **element == Type::Integer && !scope.infallible => {
                format!("{path}.sum()")
            }
            Type::List(element) => {
                let local = self.local();
                let inner = self.about(&local, element, scope)?;
                match self.random.bool() {
                    true => format!("{path}.count(|{local}| {inner})"),
                    false => format!("{path}.sum(|{local}| if {inner} {{ 1 }} else {{ 2 }})"),
                }
            }
            _ => format!("{path}.len()"),
        })
    }

    fn number(&mut self, scope: &Scope, depth: u8) -> Option<String> {
        let plain = Type::Decimal(None);
        let is_decimal = |of: &Type| matches!(of.plain(), Type::Decimal(_));
        let left = match self.find(scope, is_decimal) {
            Some(read) => read.path,
            None => self.literal(&plain, Place::Expression).filter(|text| text.contains('.'))?,
        };
        let left = within(&left);
        let right = self.expression(scope, &plain, depth - 1)?;
        let right = within(&right);
        let drawn = if scope.infallible { 7 } else { self.random.u8(..9) };
        Some(match drawn {
            0 | 1 => format!("{left} + {right}"),
            2 => format!("{left} - {right}"),
            3 => format!("{left} * {right}"),
            4 => format!("{left}.round(2)"),
            // By what is never zero: an event that can't be applied can't happen.
            5 => format!("{left}.div({}, 2, half_even)", self.random.u8(1..9)),
            6 => format!("{left}.min({right})"),
            7 => format!("{left}.clamp(0.5, 99)"),
            // What is written out and negated is written out too, and must fit the digits of its place.
            _ => format!("-({left} * {right})"),
        })
    }

    fn time(&mut self, scope: &Scope) -> Option<String> {
        if scope.clock && self.random.bool() {
            return Some("now()".to_owned());
        }
        let time = self.find(scope, |of| *of == Type::Timestamp)?.path;
        let span = self.expression(scope, &Type::Duration, 0)?;
        let operator = self.word(&["+", "-"]);
        Some(format!("{time} {operator} {}", within(&span)))
    }

    fn span(&mut self, scope: &Scope) -> Option<String> {
        let of = if self.random.bool() { Type::Timestamp } else { Type::Duration };
        let left = self.find(scope, |read| *read == of)?.path;
        let right = self.expression(scope, &of, 0)?;
        Some(format!("{left} - {}", within(&right)))
    }

    fn built(&mut self, name: &str, scope: &Scope, depth: u8) -> Option<String> {
        let fields = self.record(name);
        let of = Type::Record(name.to_owned());
        let base = self.find(scope, |read| *read == of).filter(|_| self.random.bool());
        let mut written = Vec::new();
        for field in &fields {
            if base.is_some() && written.len() + 1 == fields.len() {
                break;
            }
            // A record that is kept, in another that is kept, would grow with each event.
            let value = self.expression(&scope.fresh(), &field.of, depth - 1)?;
            written.push(format!("{}: {value}", field.name));
        }
        written.extend(base.map(|base| format!("..{}", base.path)));
        Some(format!("{name} {{ {} }}", written.join(", ")))
    }

    fn list(&mut self, scope: &Scope, of: &Type, element: &Type, depth: u8) -> Option<String> {
        let Some(base) = self.find(scope, |read| read == of) else {
            return self.list_from(scope, element, depth);
        };
        let (path, local) = (base.path, self.local());
        let fresh = scope.fresh();
        Some(match self.random.u8(..8) {
            0 | 1 => format!("{path}.push({})", self.expression(&fresh, element, depth - 1)?),
            2 => format!("{path}.extend({})", self.expression(&fresh, of, depth - 1)?),
            3 => format!("{path}.filter(|{local}| {})", self.about(&local, element, scope)?),
            4 => format!("{path}.distinct()"),
            5 => format!("{path}.remove_where(|{local}| {})", self.about(&local, element, scope)?),
            6 => {
                let new = self.expression(&fresh, element, depth - 1)?;
                let condition = self.about(&local, element, scope)?;
                format!("{path}.replace_where(|{local}| {condition}, |_| {new})")
            }
            _ => {
                let key = self.about(&local, element, scope)?;
                let key = format!("if {key} {{ 1 }} else {{ 2 }}");
                format!("{path}.sort_by_desc(|{local}| {key})")
            }
        })
    }

    /// A list that is made of something else.
    fn list_from(&mut self, scope: &Scope, element: &Type, depth: u8) -> Option<String> {
        let source = self.find(scope, |read| match read {
            Type::Map(key, value) => key.same(element) || value.same(element),
            Type::List(_) => true,
            _ => false,
        });
        match source {
            Some(map) if matches!(&map.of, Type::Map(key, _) if key.same(element)) => {
                Some(format!("{}.keys()", map.path))
            }
            Some(map) if matches!(map.of, Type::Map(..)) => Some(format!("{}.values()", map.path)),
            Some(list) if !matches!(element, Type::Newtype(..) | Type::Optional(_)) => {
                let of = self.find(scope, |read| read == element)?;
                Some(format!("{}.map(|_| {})", list.path, of.path))
            }
            _ => {
                let first = self.expression(scope, element, depth - 1)?;
                Some(format!("[{first}]"))
            }
        }
    }

    fn set(&mut self, scope: &Scope, of: &Type, member: &Type, depth: u8) -> Option<String> {
        let base = self.find(scope, |read| read == of)?.path;
        let fresh = scope.fresh();
        Some(match self.random.u8(..5) {
            0 | 1 => format!("{base}.insert({})", self.expression(&fresh, member, depth - 1)?),
            2 => format!("{base}.remove({})", self.expression(&fresh, member, depth - 1)?),
            3 => format!("{base}.union({})", self.expression(&fresh, of, depth - 1)?),
            _ => format!("{base}.difference({})", self.expression(&fresh, of, depth - 1)?),
        })
    }

    fn map(
        &mut self,
        scope: &Scope,
        of: &Type,
        key: &Type,
        value: &Type,
        depth: u8,
    ) -> Option<String> {
        let base = self.find(scope, |read| read == of).map_or("[]".to_owned(), |read| read.path);
        let fresh = scope.fresh();
        let key = self.expression(&fresh, key, depth - 1)?;
        if self.random.u8(..4) == 0 && base != "[]" {
            return Some(format!("{base}.remove({key})"));
        }
        let value = self.expression(&fresh, value, depth - 1)?;
        Some(format!("{base}.insert({key}, {value})"))
    }

    /// A message with a value in it.
    pub(crate) fn template(&mut self, scope: &Scope) -> String {
        let shown = self
            .find(scope, |of| !matches!(of.plain(), Type::Bytes | Type::Boolean) && of.is_single());
        match shown {
            Some(read) if read.path != "type" && !read.path.contains('"') => {
                format!("it's {{{}}}, {{{{really}}}}", read.path)
            }
            _ => quoted("refused"),
        }
    }
}
