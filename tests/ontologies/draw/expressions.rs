//! Expressions of a given type: what any type can have.

use super::Draw;
use super::literals::Place;
use super::scope::{Read, Scope};
use super::types::Type;

impl Draw {
    /// An expression of this type, that nests so deep; none where nothing gives such a value.
    pub(crate) fn expression(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        for _ in 0..if depth == 0 { 0 } else { 4 } {
            let found = match self.random.u8(..10) {
                0 => self.choice(scope, of, depth),
                1 => self.cases(scope, of, depth),
                2 => self.present(scope, of, depth),
                3 => self.known(scope, of, depth),
                4 => self.block(scope, of, depth),
                5 => self.folded(scope, of, depth),
                _ => self.value(scope, of, depth),
            };
            if found.as_ref().is_some_and(|found| found.len() < 600) {
                return found;
            }
        }
        let read = self.read(scope, of);
        if read.is_some() && self.random.u8(..3) > 0 {
            return read;
        }
        self.literal(of, Place::Expression).or(read)
    }

    /// Something that is read and becomes the type by itself.
    pub(crate) fn read(&mut self, scope: &Scope, of: &Type) -> Option<String> {
        // Whether digits fit is known when the value is.
        let exact = scope.infallible && of.has_digits();
        let found = self.find(scope, |read| if exact { read == of } else { read.becomes(of) });
        found.filter(|read| !(read.constant && of.has_digits())).map(|read| read.path)
    }

    /// Something that is read and of such a type.
    pub(crate) fn find(&mut self, scope: &Scope, fits: impl Fn(&Type) -> bool) -> Option<Read> {
        let fitting: Vec<&Read> = scope.reads.iter().filter(|read| fits(&read.of)).collect();
        if fitting.is_empty() { None } else { Some((*self.one(&fitting)).clone()) }
    }

    /// `if … { … } else { … }`
    fn choice(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        let condition = self.condition(scope, depth - 1);
        let within = scope.beside(&condition);
        let then = self.expression(&within, of, depth - 1)?;
        let otherwise = self.expression(&within, of, depth - 1)?;
        Some(format!("if {condition} {{ {then} }} else {{ {otherwise} }}"))
    }

    /// `match`
    fn cases(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        let subject = self.find(scope, |of| matches!(of, Type::Enum(..) | Type::Optional(_)))?;
        let absent = self.expression(scope, of, depth - 1)?;
        match &subject.of {
            Type::Optional(inner) if inner.becomes(of) && !of.has_digits() => {
                let local = self.local();
                let arm = format!("Some({local}) => {local}");
                Some(format!("match {} {{ {arm}, None => {absent} }}", subject.path))
            }
            Type::Optional(_) => {
                let present = self.expression(scope, of, depth - 1)?;
                let arm = format!("Some(_) => {present}");
                Some(format!("match {} {{ {arm}, None => {absent} }}", subject.path))
            }
            Type::Enum(owner, variants) => {
                let mut arms = Vec::new();
                for variant in variants {
                    let pattern = self.variant(owner.as_deref(), variant);
                    arms.push(format!("{pattern} => {}", self.expression(scope, of, depth - 1)?));
                }
                if arms.len() > 2 && self.random.bool() {
                    arms.truncate(1);
                    arms.push(format!("_ => {absent}"));
                }
                Some(format!("match {} {{ {} }}", subject.path, arms.join(", ")))
            }
            _ => None,
        }
    }

    /// `x.unwrap_or(…)`
    fn present(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        let wanted = of.clone().optional();
        if wanted == *of {
            return None;
        }
        if of.has_digits() {
            return None;
        }
        let optional = self.optional_of(scope, of)?;
        let otherwise = self.expression(scope, of, depth - 1)?;
        Some(format!("{optional}.unwrap_or({otherwise})"))
    }

    /// An optional of exactly this type, that has its type by itself.
    pub(crate) fn optional_of(&mut self, scope: &Scope, of: &Type) -> Option<String> {
        let list = Type::List(Box::new(of.clone()));
        let source = self.find(scope, |read| match read {
            Type::Optional(inner) => **inner == *of,
            Type::Map(_, value) => **value == *of,
            read => *read == list,
        })?;
        let path = source.path;
        Some(match source.of {
            Type::Optional(_) => path,
            Type::Map(key, _) => format!("{path}.get({})", self.expression(scope, &key, 0)?),
            _ => match self.random.u8(..5) {
                0 => format!("{path}.first()"),
                1 => format!("{path}.get({})", self.random.u8(..3)),
                2 => format!("{path}.find(|_| {})", self.condition(scope, 0)),
                3 if of.is_ordered() && !matches!(of, Type::Newtype(..)) => format!("{path}.max()"),
                _ => format!("{path}.last()"),
            },
        })
    }

    /// `if x.is_some() { … x … } else { … }`
    fn known(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        let path = self.find(scope, |of| matches!(of, Type::Optional(_)))?.path;
        let otherwise = self.expression(&scope.beside(&path), of, depth - 1)?;
        let knowing = scope.knowing(&path);
        if self.random.u8(..3) == 0 {
            // A condition that asks for more makes nothing known in the branches, but in its other half.
            let more = self.condition(&knowing, depth - 1);
            let then = self.expression(&scope.beside(&more), of, depth - 1)?;
            return Some(format!(
                "if {path}.is_some() && ({more}) {{ {then} }} else {{ {otherwise} }}"
            ));
        }
        let then = self.expression(&knowing, of, depth - 1)?;
        Some(match self.random.bool() {
            true => format!("if {path} != none {{ {then} }} else {{ {otherwise} }}"),
            false => format!("if {path}.is_none() {{ {otherwise} }} else {{ {then} }}"),
        })
    }

    /// `{ let x = …; … }`
    fn block(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        let local = self.local();
        let bound = self.find(scope, |_| true).filter(|bound| !bound.constant)?;
        let value = match bound.of.plain() {
            Type::Integer if bound.of == Type::Integer && !scope.infallible => {
                format!("{} + 1", bound.path)
            }
            _ => bound.path.clone(),
        };
        let inner = if bound.of.becomes(of) && !of.has_digits() {
            local.clone()
        } else {
            let condition = self.about(&local, &bound.of, scope)?;
            let within = scope.beside(&condition);
            let then = self.expression(&within, of, depth - 1)?;
            let otherwise = self.expression(&within, of, depth - 1)?;
            format!("if {condition} {{ {then} }} else {{ {otherwise} }}")
        };
        Some(format!("{{ let {local} = {value}; {inner} }}"))
    }

    /// `list.fold(…)`
    fn folded(&mut self, scope: &Scope, of: &Type, depth: u8) -> Option<String> {
        if !matches!(of, Type::Integer | Type::Boolean) {
            return None;
        }
        let list = self.find(scope, |of| matches!(of, Type::List(_)))?;
        let Type::List(element) = &list.of else { return None };
        // What it starts from says of what type all of it is.
        let start = self.literal(of, Place::Expression)?;
        let (so_far, each) = (self.local(), self.local());
        let condition = self.about(&each, element, scope)?;
        let next = self.expression(&scope.beside(&condition), of, depth - 1)?;
        let body = format!("if {condition} {{ {so_far} }} else {{ {next} }}");
        Some(format!("{}.fold({start}, |{so_far}, {each}| {body})", list.path))
    }
}

/// In parentheses, unless it stands for itself.
pub(crate) fn within(expression: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if expression.chars().all(plain) && !expression.ends_with('.') {
        expression.to_owned()
    } else {
        format!("({expression})")
    }
}
