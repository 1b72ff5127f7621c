//! Choices and names: `if`, `match`, `let`, and values of optionals that are known to be present.

use super::checker::{Checker, value};
use super::names::{beneath_optional, listed};
use super::parse::is_keyword;
use super::scope::{Local, RESERVED_LOCALS};
use super::tree::{ArmNode, Node, PatternKind, PatternNode};
use crate::catalogue::expressions::{
    LOCAL_NAME, NOT_EXHAUSTIVE, PATTERN, UNREACHABLE_ARM, UNUSED_LOCAL,
};
use crate::diagnostic::Diagnostic;
use crate::model::{Arm, Expression, ExpressionKind, Method, Pattern, Type};
use crate::naming;
use crate::source::Span;
use crate::syntax::Text;

use super::operators::present_when;

impl Checker<'_> {
    /// `if c { a } else { b }`
    pub(super) fn choice(
        &mut self,
        condition: &Node,
        then: &Node,
        otherwise: &Node,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let condition = self.check(condition, &Type::Boolean);
        let Some(condition) = condition else {
            self.branches(then, otherwise, &[], &[], expected);
            return None;
        };
        // Only a condition that says nothing else can become a `match` without writing a branch twice.
        let one =
            |holds| present_when(&condition, holds).into_iter().filter(|_| is_one(&condition));
        let (in_then, in_otherwise): (Vec<_>, Vec<_>) = (one(true).collect(), one(false).collect());
        let ((then, then_uses), (otherwise, otherwise_uses)) =
            self.branches(then, otherwise, &in_then, &in_otherwise, expected)?;
        let result = then.result.clone();
        if let Some((local, optional)) = then_uses.into_iter().next() {
            return Some(match_present(&local, optional, then, otherwise));
        }
        if let Some((local, optional)) = otherwise_uses.into_iter().next() {
            return Some(match_present(&local, optional, otherwise, then));
        }
        let kind = ExpressionKind::If(Box::new(condition), Box::new(then), Box::new(otherwise));
        Some(value(kind, result))
    }

    /// Both branches, of one type.
    #[allow(clippy::type_complexity)] // a branch is a value and the presences it relies on
    fn branches(
        &mut self,
        then: &Node,
        otherwise: &Node,
        in_then: &[Expression],
        in_otherwise: &[Expression],
        expected: Option<&Type>,
    ) -> Option<((Expression, Vec<(String, Expression)>), (Expression, Vec<(String, Expression)>))>
    {
        let spans = [then.span, otherwise.span];
        let context_first = self.needs_context(then) && !self.needs_context(otherwise);
        let (first, second) = if context_first { (otherwise, then) } else { (then, otherwise) };
        let (known_first, known_second) =
            if context_first { (in_otherwise, in_then) } else { (in_then, in_otherwise) };
        let (a, a_uses) = self.knowing(known_first, |checker| checker.infer(first, expected));
        let hint = expected.cloned().or_else(|| a.as_ref().map(|a| a.result.clone()));
        let (b, b_uses) =
            self.knowing(known_second, |checker| checker.infer(second, hint.as_ref()));
        let (a, b) = (a?, b?);
        let ((then, then_uses), (otherwise, otherwise_uses)) =
            if context_first { ((b, b_uses), (a, a_uses)) } else { ((a, a_uses), (b, b_uses)) };
        let mut values = self.one_type(vec![then, otherwise], &spans, expected)?;
        let otherwise = values.pop()?;
        Some(((values.pop()?, then_uses), (otherwise, otherwise_uses)))
    }

    /// Values of several branches in the one type that all convert to.
    fn one_type(
        &mut self,
        values: Vec<Expression>,
        spans: &[Span],
        expected: Option<&Type>,
    ) -> Option<Vec<Expression>> {
        let target = match expected {
            Some(expected) => expected.clone(),
            None => {
                let mut target = values.first()?.result.clone();
                for other in &values {
                    let probe = value(ExpressionKind::None, target.clone());
                    if super::checker::convert(probe, &other.result).is_ok() {
                        target = other.result.clone();
                    }
                }
                target
            }
        };
        let checked: Vec<Option<Expression>> = values
            .into_iter()
            .zip(spans)
            .map(|(found, span)| self.coerce(found, &target, *span, None))
            .collect();
        checked.into_iter().collect()
    }

    /// Checks something that may rely on optionals being present, and tells on which it did.
    pub(super) fn knowing<T>(
        &mut self,
        present: &[Expression],
        check: impl FnOnce(&mut Self) -> T,
    ) -> (T, Vec<(String, Expression)>) {
        let before = self.locals.len();
        let mut known = Vec::new();
        for optional in present {
            if let Some(local) = self.scope.narrowing_local(&self.locals, optional) {
                known.push((local.name.clone(), optional.clone(), local.used.clone()));
                self.locals.push(local);
            }
        }
        let checked = check(self);
        self.locals.truncate(before);
        let used = known.into_iter().filter(|(_, _, used)| used.get());
        (checked, used.map(|(name, optional, _)| (name, optional)).collect())
    }

    /// `{ let x = a; b }`
    pub(super) fn binding(
        &mut self,
        name: &Text,
        bound: &Node,
        body: &Node,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let bound = self.infer(bound, None);
        let local_type = bound.as_ref().map(|bound| bound.result.clone());
        let body = self.with_local(name, local_type, |checker| checker.infer(body, expected));
        let (bound, (body, local)) = (bound?, body?);
        let result = body.result.clone();
        Some(value(ExpressionKind::Let(local, Box::new(bound), Box::new(body)), result))
    }

    /// Checks something within which a local is in view, and that it reads the local.
    pub(super) fn with_local<T>(
        &mut self,
        name: &Text,
        local_type: Option<Type>,
        check: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<(T, String)> {
        let fault = name_fault(name).or_else(|| local_fault(name, &self.locals));
        if let Some(fault) = fault {
            self.findings.push(fault);
        }
        let local = self.scope.named_local(&self.locals, name, local_type);
        let (used, rust_name) = (local.used.clone(), local.name.clone());
        self.locals.push(local);
        let findings = self.findings.len();
        let checked = check(self);
        self.locals.pop();
        // Where the body has a mistake, the name may only look unused.
        if !used.get() && self.findings.len() == findings {
            return self.refuse(unused(name));
        }
        Some((checked?, rust_name))
    }

    /// `match x { … }`
    pub(super) fn match_arms(
        &mut self,
        subject: &Node,
        arms: &[ArmNode],
        span: Span,
        expected: Option<&Type>,
    ) -> Option<Expression> {
        let place = subject.span;
        let subject = self.infer(subject, None)?;
        let Some(mut open) = Open::of(&subject.result, self) else {
            let shown = self.show(&subject.result);
            let title = format!("`match` decides enums and optionals, not `{shown}`");
            let found = Diagnostic::error(&PATTERN, title, place, format!("this is `{shown}`"));
            return self.refuse(found.help("compare with `if … { … } else { … }`"));
        };
        let mut checked = Vec::new();
        let mut hint = expected.cloned();
        for arm in arms {
            let found = self.arm(arm, &subject.result, &mut open, hint.as_ref());
            hint = hint.or_else(|| found.as_ref().map(|(_, body)| body.result.clone()));
            checked.push(found);
        }
        let missing = open.missing();
        // A pattern that is wrong may stand for the case that seems to be left out.
        if !missing.is_empty() && !open.doubtful {
            let names: Vec<&str> = missing.iter().map(String::as_str).collect();
            let title = format!("`match` leaves out {}", listed(&names));
            let found = Diagnostic::error(&NOT_EXHAUSTIVE, title, span, "not every case is here");
            let arms: Vec<String> = missing.iter().map(|case| format!("{case} => …")).collect();
            return self.refuse(found.help(format!("add `{}`", arms.join(", "))));
        }
        let checked: Vec<(Vec<Pattern>, Expression)> =
            checked.into_iter().collect::<Option<_>>()?;
        let spans: Vec<Span> = arms.iter().map(|arm| arm.body.span).collect();
        let (patterns, bodies): (Vec<_>, Vec<_>) = checked.into_iter().unzip();
        let bodies = self.one_type(bodies, &spans, expected)?;
        let result = bodies.first()?.result.clone();
        let arms = patterns.into_iter().zip(bodies);
        let arms = arms.map(|(patterns, body)| Arm { patterns, body }).collect();
        Some(value(ExpressionKind::Match(Box::new(subject), arms), result))
    }

    fn arm(
        &mut self,
        arm: &ArmNode,
        subject: &Type,
        open: &mut Open,
        expected: Option<&Type>,
    ) -> Option<(Vec<Pattern>, Expression)> {
        let mut patterns = Vec::new();
        let mut bound = None;
        for pattern in &arm.patterns {
            let Some((found, name)) = self.pattern(pattern, subject) else {
                open.doubtful = true;
                return None;
            };
            if !open.take(&found) {
                let title = "an arm of `match` can never be reached";
                let found =
                    Diagnostic::error(&UNREACHABLE_ARM, title, pattern.span, "decided above");
                return self.refuse(found.help("remove it, or move it up"));
            }
            patterns.push(found);
            bound = bound.or(name);
        }
        let body = match bound {
            Some(name) if arm.patterns.len() == 1 => {
                let inner = beneath_optional(subject).clone();
                let body = self
                    .with_local(&name, Some(inner), |checker| checker.infer(&arm.body, expected));
                let (body, local) = body?;
                return Some((vec![Pattern::Some(local)], body));
            }
            Some(_) => {
                let title = "a pattern names a value that the patterns beside it do not have";
                let found = Diagnostic::error(&PATTERN, title, arm.span, "several patterns");
                return self
                    .refuse(found.help("give `Some(…)` an arm of its own, or write `Some(_)`"));
            }
            None => self.infer(&arm.body, expected),
        };
        Some((patterns, body?))
    }

    /// A pattern, and the name it binds.
    fn pattern(
        &mut self,
        pattern: &PatternNode,
        subject: &Type,
    ) -> Option<(Pattern, Option<Text>)> {
        let optional = matches!(subject, Type::Optional(_));
        let variants_of = match beneath_optional(subject) {
            Type::Enum(rust) => Some(rust.clone()),
            _ => None,
        };
        match (&pattern.kind, optional) {
            (PatternKind::Any, _) => Some((Pattern::Any, None)),
            (PatternKind::None, true) => Some((Pattern::None, None)),
            (PatternKind::SomeAny, true) => Some((Pattern::SomeAny, None)),
            (PatternKind::Some(name), true) => match variants_of {
                Some(rust) if self.names_variant(&rust, &name.value) => {
                    let variant = self.variant_of(&rust, &name.value, name.span)?;
                    Some((Pattern::SomeVariant(variant), None))
                }
                _ => Some((Pattern::Some(name.value.clone()), Some(name.clone()))),
            },
            (PatternKind::SomeVariant(owner, variant), true) => {
                let variant =
                    self.owned_pattern(Some(owner), variant, variants_of, pattern.span)?;
                Some((Pattern::SomeVariant(variant), None))
            }
            (PatternKind::Variant(owner, variant), false) => {
                let variant =
                    self.owned_pattern(owner.as_ref(), variant, variants_of, pattern.span)?;
                Some((Pattern::Variant(variant), None))
            }
            (PatternKind::Variant(owner, variant), true) => {
                let shown = self.show(subject);
                let title = format!("`{shown}` is matched by `Some(…)` and `None`");
                let found =
                    Diagnostic::error(&PATTERN, title, pattern.span, "the value may be none");
                let owner = owner.as_ref().map(|owner| format!("{}::", owner.value));
                let owner = owner.unwrap_or_default();
                self.refuse(found.help(format!("write `Some({owner}{})`", variant.value)))
            }
            (PatternKind::None, false)
                if variants_of.as_ref().is_some_and(|rust| self.has_variant(rust, "None")) =>
            {
                Some((Pattern::Variant("None".into()), None))
            }
            (_, false) => {
                let shown = self.show(subject);
                let title = format!("`{shown}` is never none");
                let found = Diagnostic::error(&PATTERN, title, pattern.span, "not optional");
                self.refuse(found.help("match its variants"))
            }
        }
    }

    /// A capitalised name in a pattern is a variant, whether there is one or not.
    fn names_variant(&self, rust: &str, name: &str) -> bool {
        self.has_variant(rust, name) || name.starts_with(char::is_uppercase)
    }

    fn has_variant(&self, rust: &str, name: &str) -> bool {
        self.scope.types.variants(rust).iter().any(|variant| variant == name)
    }

    fn owned_pattern(
        &mut self,
        owner: Option<&Text>,
        variant: &Text,
        subject: Option<String>,
        span: Span,
    ) -> Option<String> {
        let Some(rust) = subject else {
            let title = "the value is no enum and has no variants";
            return self.refuse(Diagnostic::error(&PATTERN, title, span, "a variant"));
        };
        if let Some(owner) = owner {
            let owned = self.owner(owner)?;
            if owned != Type::Enum(rust.clone()) {
                let shown = self.show(&Type::Enum(rust));
                let title = format!("the value is `{shown}`, not `{}`", owner.value);
                return self.refuse(Diagnostic::error(&PATTERN, title, owner.span, "another enum"));
            }
        }
        self.variant_of(&rust, &variant.value, variant.span)
    }
}

/// Whether the condition asks about one optional and nothing else.
fn is_one(condition: &Expression) -> bool {
    match &condition.kind {
        ExpressionKind::Call(Method::IsSome | Method::IsNone, ..) => true,
        ExpressionKind::Not(inner) => is_one(inner),
        ExpressionKind::Compare(_, left, right) => {
            [left, right].iter().any(|side| matches!(side.kind, ExpressionKind::None))
        }
        _ => false,
    }
}

/// `match optional { Some(local) => present, None => absent }`
pub(super) fn match_present(
    local: &str,
    optional: Expression,
    present: Expression,
    absent: Expression,
) -> Expression {
    let result = present.result.clone();
    let arms = vec![
        Arm { patterns: vec![Pattern::Some(local.to_owned())], body: present },
        Arm { patterns: vec![Pattern::None], body: absent },
    ];
    value(ExpressionKind::Match(Box::new(optional), arms), result)
}

/// Why a name that stands in an expression is none.
fn name_fault(name: &Text) -> Option<Diagnostic> {
    naming::fault(&name.value, naming::Kind::Field)?;
    let title = format!("`{}` cannot be the name of a value", name.value);
    let found = Diagnostic::error(&LOCAL_NAME, title, name.span, "not a name");
    Some(found.help("a name starts with a letter and has letters, digits and `_`"))
}

/// Why a name can't be given to a local, other than that it is no name.
pub(crate) fn local_fault(name: &Text, locals: &[Local]) -> Option<Diagnostic> {
    if RESERVED_LOCALS.contains(&name.value.as_str()) {
        let title = format!("`{}` already has a meaning everywhere", name.value);
        let found = Diagnostic::error(&LOCAL_NAME, title, name.span, "choose another name");
        return Some(found);
    }
    if is_keyword(&name.value) {
        let title = format!("`{}` is a word of the language, so nothing could read it", name.value);
        let found = Diagnostic::error(&LOCAL_NAME, title, name.span, "not as the name of a value");
        let help = "choose another name: only fields may be named so, because they are read after a \
                    dot, as `event.type`";
        return Some(found.help(help));
    }
    let key = naming::collision_key(&name.value);
    let met = locals.iter().rev().find_map(|local| {
        let written = local.written.as_ref()?;
        (naming::collision_key(written) == key).then_some((local, written))
    });
    met.map(|(local, written)| {
        let title = format!("`{}` is named again", name.value);
        let found = Diagnostic::error(&LOCAL_NAME, title, name.span, "named again");
        let found = found.help("choose another name: a name has one meaning");
        match local.span {
            Some(first) => found.place(first, format!("`{written}` is named here")),
            None => found,
        }
    })
}

/// A local that nothing reads.
pub(crate) fn unused(name: &Text) -> Diagnostic {
    let title = format!("nothing reads `{}`", name.value);
    Diagnostic::error(&UNUSED_LOCAL, title, name.span, "never read")
        .help("use it or remove it; in a pattern or a function write `_`")
}

/// The cases of a `match` that no arm has decided yet.
struct Open {
    variants: Vec<String>,
    optional: bool,
    none: bool,
    /// Whether a present value without variants is undecided.
    some: bool,
    /// Whether a pattern was wrong.
    doubtful: bool,
}

impl Open {
    fn of(subject: &Type, checker: &Checker<'_>) -> Option<Self> {
        let optional = matches!(subject, Type::Optional(_));
        let variants = match beneath_optional(subject) {
            Type::Enum(rust) => checker.scope.types.variants(rust).to_vec(),
            _ if optional => Vec::new(),
            _ => return None,
        };
        Some(Self {
            optional,
            none: optional,
            some: variants.is_empty(),
            variants,
            doubtful: false,
        })
    }

    fn is_empty(&self) -> bool {
        self.variants.is_empty() && !self.none && !self.some
    }

    /// Closes what the pattern decides; whether that was anything.
    fn take(&mut self, pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Any => {
                let open = !self.is_empty();
                *self = Self { variants: Vec::new(), none: false, some: false, ..*self };
                open
            }
            Pattern::None => std::mem::take(&mut self.none),
            Pattern::Some(_) | Pattern::SomeAny => {
                let open = self.some || !self.variants.is_empty();
                self.some = false;
                self.variants.clear();
                open
            }
            Pattern::Variant(name) | Pattern::SomeVariant(name) => {
                let at = self.variants.iter().position(|variant| variant == name);
                at.map(|at| self.variants.remove(at)).is_some()
            }
        }
    }

    fn missing(&self) -> Vec<String> {
        let present = |name: &String| {
            if self.optional { format!("Some({name})") } else { name.clone() }
        };
        let mut missing: Vec<String> = self.variants.iter().map(present).collect();
        if self.some {
            missing.push("Some(…)".into());
        }
        if self.none {
            missing.push("None".into());
        }
        missing
    }
}
