//! Commands: target, steps, events, and checks of the outcome.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::declared::Declared;
use super::emission;
use super::expression::scope::Scope;
use super::expression::{local_fault, present_when, unused};
use super::fields::Fields;
use super::refusals::Refusals;
use crate::catalogue::commands::{
    CUSTOM_AND_DECLARED, EMITS_NOTHING, ENSURE_EMITS, INPUT_IS_KEY, KEEPS_BEFORE_TARGET,
    MOVES_NO_CHECK, REFUSES,
};
use crate::catalogue::expressions::NONE_NOT_HANDLED;
use crate::diagnostic::Diagnostic;
use crate::model::{
    self, Comparison, Decision, Expression, ExpressionKind, RefusalRole, Rejection, Step, Type,
};
use crate::naming;
use crate::source::Span;
use crate::syntax::{self, Text};

/// Resolves a command and notes its refusals.
pub(crate) fn resolve(
    declared: &Declared<'_>,
    name: &Text,
    syntax: &syntax::Command,
    input: &Fields,
    refusals: &mut Refusals,
    findings: &mut Vec<Diagnostic>,
) -> Option<model::Command> {
    check_input(declared, input, findings);
    let target = target(declared, name, syntax.target.as_ref(), refusals);
    let mut decide = Decide {
        declared,
        name,
        scope: scope(declared, name, input),
        unwraps: Vec::new(),
        broken: None,
        refusals,
        findings,
    };
    let decision = decide.decision(syntax);
    let (target, target_refusal) = target?;
    refuse_moving_no_target(name, syntax, target, findings)?;
    Some(model::Command {
        name: name.value.clone(),
        description: syntax.description.as_ref().map(|text| text.value.clone()),
        target,
        target_refusal,
        input: input.to_model(),
        decision: decision?,
        keys: Vec::new(),
        retry_keys: Vec::new(),
    })
}

/// What steps may see: the input, the state before the command, `meta`, the stream and the clock.
fn scope<'a>(declared: &'a Declared<'_>, name: &Text, input: &'a Fields) -> Scope<'a> {
    let mut scope = Scope::empty(&declared.types, format!("`{}`", name.value))
        .checking_later()
        .bare(model::Scope::Input, input)
        .with_meta()
        .with_stream(declared.partition_key);
    if let Some(state) = &declared.state {
        scope = scope.bare(model::Scope::State, state);
    }
    scope = scope.with_config();
    scope.clock = true;
    scope.state_by_hand = declared.state.is_none();
    scope
}

/// The partition key is known without being asked for.
fn check_input(declared: &Declared<'_>, input: &Fields, findings: &mut Vec<Diagnostic>) {
    let key = declared.partition_key.and_then(|key| input.get(key));
    if let Some(field) = key {
        let title = format!("`{}` names the stream and is no input", field.name);
        findings.push(
            Diagnostic::error(&INPUT_IS_KEY, title, field.span, "known already")
                .note("the caller says which stream the command goes to")
                .help(format!("remove it: `{}` can be read in the command as it is", field.name)),
        );
    }
}

fn target(
    declared: &Declared<'_>,
    name: &Text,
    written: Option<&syntax::TargetSyntax>,
    refusals: &mut Refusals,
) -> Option<(model::Target, Option<String>)> {
    let aggregate = &declared.syntax.name.value;
    let words = naming::snake(aggregate).replace('_', " ");
    let named = written.and_then(|written| written.refusal.as_ref());
    let (target, role, default, text) = match written.map(|written| written.kind.value.as_str()) {
        Some("new") => (
            model::Target::New,
            RefusalRole::AlreadyExists,
            format!("{aggregate}AlreadyExists"),
            format!("The {words} exists already."),
        ),
        Some("any") => return Some((model::Target::Any, None)),
        Some("existing") | None => (
            model::Target::Existing,
            RefusalRole::NotFound,
            format!("{aggregate}NotFound"),
            format!("The {words} does not exist."),
        ),
        Some(_) => return None, // reported by `load`
    };
    let (refusal, role) = match named {
        Some(named) if named.value != default => (named.value.clone(), RefusalRole::Rule),
        _ => (default, role),
    };
    let place = (role == RefusalRole::Rule).then_some(name.value.as_str());
    refusals.add(&refusal, role, place, &text);
    Some((target, Some(refusal)))
}

/// A command for any stream has no target to check.
fn refuse_moving_no_target(
    name: &Text,
    syntax: &syntax::Command,
    target: model::Target,
    findings: &mut Vec<Diagnostic>,
) -> Option<()> {
    let moved = syntax.steps.iter().find_map(|step| match step {
        syntax::Step::Target(place) => Some(*place),
        _ => None,
    });
    let (Some(place), model::Target::Any) = (moved, target) else { return Some(()) };
    let title = format!("`{}` has no target that could be checked", name.value);
    let found = Diagnostic::error(&MOVES_NO_CHECK, title, place, "checks nothing");
    let any = syntax.target.as_ref().map_or(name.span, |target| target.kind.span);
    findings.push(
        found
            .place(any, "any stream will do")
            .help("remove the step, or write `target: new` or `target: existing`"),
    );
    None
}

/// The state of resolving one command.
struct Decide<'a> {
    declared: &'a Declared<'a>,
    name: &'a Text,
    /// Grows with every step.
    scope: Scope<'a>,
    /// Steps so far that bind a present value, and whether anything reads it.
    unwraps: Vec<(String, Rc<Cell<bool>>)>,
    /// How much was found when the first condition that asks for none was found to be broken.
    broken: Option<usize>,
    refusals: &'a mut Refusals,
    findings: &'a mut Vec<Diagnostic>,
}

impl Decide<'_> {
    fn decision(&mut self, syntax: &syntax::Command) -> Option<Decision> {
        let declares =
            !(syntax.steps.is_empty() && syntax.emit.is_empty() && syntax.ensure.is_empty());
        match syntax.custom {
            Some(_) if !declares => return Some(self.by_hand(&syntax.refuses)),
            Some(custom) => {
                let title = format!("`{}` is decided by hand and by the ontology", self.name.value);
                let found =
                    Diagnostic::error(&CUSTOM_AND_DECLARED, title, custom, "decided by hand");
                self.findings.push(found.help(
                    "remove `handler: custom`, or what stands in `reject`, `steps`, `emit` and `ensure`",
                ));
            }
            None if syntax.emit.is_empty() => {
                let title = format!("`{}` emits no event", self.name.value);
                let found =
                    Diagnostic::error(&EMITS_NOTHING, title, self.name.span, "changes nothing");
                self.findings.push(
                    found.help("add `emit:` with an event, or `handler: custom` to decide by hand"),
                );
            }
            None => {}
        }
        if let (Some(first), None) = (syntax.refuses.first(), syntax.custom) {
            let title = format!("`{}` is not decided by hand", self.name.value);
            let found = Diagnostic::error(&REFUSES, title, first.span, "when is it refused so?");
            let help = format!("say when, in `reject: {{{}: condition}}`", first.value);
            self.findings.push(found.help(help).help("or decide by hand: `handler: custom`"));
        }
        let before = self.findings.len();
        let steps = self.steps(&syntax.steps);
        let mut outcome = self.scope.clone();
        if let Some(state) = &self.declared.state {
            outcome = outcome.qualified(model::Scope::After, state);
        }
        let emit = emission::resolve_all(self.declared, &syntax.emit, &outcome, self.findings);
        let ensure = self.ensures(&syntax.ensure, &outcome);
        self.refuse_unused(&syntax.steps, before);
        self.keep_first_causes();
        let mut steps = steps?;
        let unused: Vec<&String> =
            self.unwraps.iter().filter(|(_, used)| !used.get()).map(|(local, _)| local).collect();
        steps.retain(|step| !matches!(step, Step::Unwrap { local, .. } if unused.contains(&local)));
        Some(Decision::Declared { steps, emit: emit?, ensure: ensure? })
    }

    /// Notes what was found of a condition since so much was known.
    fn broken_by(&mut self, condition: &syntax::Expression, known: usize) {
        let causes =
            self.findings[known..].iter().any(|found| found.code.id != NONE_NOT_HANDLED.id);
        let mut words = condition.text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let asks = words.any(|word| matches!(word, "none" | "is_none" | "None"));
        if self.broken.is_none() && causes && asks {
            self.broken = Some(self.findings.len());
        }
    }

    /// A condition that can't be read, and asks for none, makes nothing known to be present: that would be
    /// told at every later use of it.
    fn keep_first_causes(&mut self) {
        let Some(broken) = self.broken else { return };
        let later = self.findings.split_off(broken);
        let is_cause = |found: &Diagnostic| found.code.id != NONE_NOT_HANDLED.id;
        self.findings.extend(later.into_iter().filter(is_cause));
    }

    /// A decision by hand can be refused by the names that it declares, and by all others.
    fn by_hand(&mut self, refuses: &[Text]) -> Decision {
        let mut names: Vec<String> = Vec::new();
        for name in refuses {
            if names.contains(&name.value) {
                let title = format!("`{}` refuses `{}` twice", self.name.value, name.value);
                let found = Diagnostic::error(&REFUSES, title, name.span, "named again");
                self.findings.push(found.help("remove it"));
                continue;
            }
            let place = Some(self.name.value.as_str());
            self.refusals.add(&name.value, RefusalRole::Rule, place, "decided by hand");
            names.push(name.value.clone());
        }
        Decision::Custom(names)
    }

    fn steps(&mut self, written: &[syntax::Step]) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        let mut sound = true;
        let mut moved = BTreeMap::new();
        for step in written {
            match step {
                syntax::Step::Reject(rejections) => {
                    for (name, rejection) in rejections {
                        let known = self.findings.len();
                        match self.rejection(name, rejection) {
                            Some(rejection) => {
                                let condition = rejection.when.clone();
                                steps.push(Step::Reject(rejection));
                                self.narrow(&condition, &mut steps);
                            }
                            None => {
                                sound = false;
                                self.broken_by(&rejection.when, known);
                            }
                        }
                    }
                }
                syntax::Step::NothingToDo(condition) => {
                    let known = self.findings.len();
                    match self.scope.condition(condition, self.findings) {
                        Some(condition) => {
                            steps.push(Step::NothingToDo(condition.clone()));
                            self.narrow(&condition, &mut steps);
                        }
                        None => {
                            sound = false;
                            self.broken_by(condition, known);
                        }
                    }
                }
                syntax::Step::Let(values) => {
                    for (name, value) in values {
                        match self.binding(name, value) {
                            Some(step) => steps.push(step),
                            None => sound = false,
                        }
                    }
                }
                syntax::Step::Target(place) => {
                    sound &= self.moves_once(&mut moved, "target", *place);
                    sound &= self.keeps_nothing_yet(&steps, *place);
                    steps.push(Step::Target);
                }
                syntax::Step::Unique(field) => {
                    let what = format!("unique: {}", field.value);
                    sound &= self.moves_once(&mut moved, &what, field.span);
                    steps.push(Step::Unique(field.value.clone()));
                }
            }
        }
        sound.then_some(steps)
    }

    /// What a refusal keeps goes to a stream that is known to be the right one.
    fn keeps_nothing_yet(&mut self, before: &[Step], place: Span) -> bool {
        let keeps = before.iter().find_map(|step| match step {
            Step::Reject(rejection) if !rejection.emit.is_empty() => Some(&rejection.refusal),
            _ => None,
        });
        let Some(refusal) = keeps else { return true };
        let title = format!("`{refusal}` keeps events before the target is checked");
        let found = Diagnostic::error(&KEEPS_BEFORE_TARGET, title, place, "checked here");
        self.findings.push(
            found.help(
                "put `- target` before it, or leave it out: the target is checked first then",
            ),
        );
        false
    }

    /// A check has one place.
    fn moves_once(&mut self, moved: &mut BTreeMap<String, Span>, what: &str, place: Span) -> bool {
        let Some(first) = moved.insert(what.to_owned(), place) else { return true };
        let title = format!("`{}` has the step `{what}` twice", self.name.value);
        let found = Diagnostic::error(&MOVES_NO_CHECK, title, place, "a second one");
        self.findings.push(found.place(first, "the first").help("remove one of the two"));
        false
    }

    fn binding(&mut self, name: &Text, written: &syntax::Expression) -> Option<Step> {
        let fault = local_fault(name, &self.scope.locals);
        let value = self.scope.infer(written, self.findings);
        let sound = fault.is_none();
        self.findings.extend(fault);
        let local_type = value.as_ref().map(|value| value.result.clone());
        let local = self.scope.named_local(&self.scope.locals, name, local_type);
        let rust_name = local.name.clone();
        self.scope.locals.push(local);
        value.filter(|_| sound).map(|value| Step::Let(rust_name, value))
    }

    /// What was refused for being none is present from here on.
    fn narrow(&mut self, condition: &Expression, steps: &mut Vec<Step>) {
        for (local, optional) in self.scope.narrow(present_when(condition, false)) {
            self.unwraps.push((local.name.clone(), local.used));
            steps.push(Step::Unwrap { local: local.name, optional });
        }
    }

    fn rejection(&mut self, name: &Text, written: &syntax::Rejection) -> Option<Rejection> {
        let text = written.when.text.trim().to_owned();
        self.refusals.add(
            &name.value,
            RefusalRole::Rule,
            Some(&self.name.value),
            &format!("`{text}`"),
        );
        let when = self.scope.condition(&written.when, self.findings);
        let scope = self.scope.clone();
        let message = self.message(written, &format!("refused because {text}"), &scope);
        let emit = emission::resolve_all(self.declared, &written.emit, &scope, self.findings);
        Some(Rejection {
            refusal: name.value.clone(),
            when: when?,
            message: message?,
            text,
            emit: emit?,
        })
    }

    fn message(
        &mut self,
        written: &syntax::Rejection,
        default: &str,
        scope: &Scope<'_>,
    ) -> Option<Expression> {
        match &written.message {
            Some(message) => scope.template(message, self.findings),
            None => Some(text(default)),
        }
    }

    /// `ensure` says what must hold, a rejection when it does not.
    fn ensures(
        &mut self,
        written: &syntax::Map<syntax::Rejection>,
        scope: &Scope<'_>,
    ) -> Option<Vec<Rejection>> {
        let mut ensures = Vec::new();
        let mut sound = true;
        for (name, ensure) in written {
            match self.ensure(name, ensure, scope) {
                Some(rejection) => ensures.push(rejection),
                None => sound = false,
            }
        }
        sound.then_some(ensures)
    }

    fn ensure(
        &mut self,
        name: &Text,
        written: &syntax::Rejection,
        scope: &Scope<'_>,
    ) -> Option<Rejection> {
        let condition = written.when.text.trim();
        let text = format!("not ({condition})");
        let place = Some(self.name.value.as_str());
        self.refusals.add(&name.value, RefusalRole::Rule, place, &format!("unless `{condition}`"));
        if let Some(emission) = written.emit.first() {
            let title = "`ensure` keeps no events";
            let found = Diagnostic::error(&ENSURE_EMITS, title, emission.event.span, "not here");
            self.findings.push(found.help("emit with the refusal of a `reject` step"));
            return None;
        }
        let holds = scope.condition(&written.when, self.findings);
        let message = self.message(written, &format!("refused because of {text}"), scope);
        let when = negated(holds?);
        Some(Rejection {
            refusal: name.value.clone(),
            when,
            message: message?,
            text,
            emit: Vec::new(),
        })
    }

    /// A `let` that nothing reads is a slip, unless a mistake elsewhere may have hidden the reader.
    fn refuse_unused(&mut self, steps: &[syntax::Step], findings_before: usize) {
        if self.findings.len() > findings_before {
            return;
        }
        let named = steps.iter().filter_map(|step| match step {
            syntax::Step::Let(values) => Some(values),
            _ => None,
        });
        for (name, _) in named.flatten() {
            let local = self.scope.locals.iter().find(|local| local.span == Some(name.span));
            if local.is_some_and(|local| !local.used.get()) {
                self.findings.push(unused(name));
            }
        }
    }
}

/// A constant text.
pub(crate) fn text(value: &str) -> Expression {
    Expression { kind: ExpressionKind::String(value.to_owned()), result: Type::String }
}

/// The condition that holds where this one does not.
fn negated(condition: Expression) -> Expression {
    let kind = match condition.kind {
        ExpressionKind::Not(inner) => return *inner,
        ExpressionKind::Compare(comparison, left, right) => {
            let opposite = match comparison {
                Comparison::Equal => Comparison::NotEqual,
                Comparison::NotEqual => Comparison::Equal,
                Comparison::Less => Comparison::GreaterOrEqual,
                Comparison::LessOrEqual => Comparison::Greater,
                Comparison::Greater => Comparison::LessOrEqual,
                Comparison::GreaterOrEqual => Comparison::Less,
            };
            ExpressionKind::Compare(opposite, left, right)
        }
        kind => ExpressionKind::Not(Box::new(Expression { kind, result: Type::Boolean })),
    };
    Expression { kind, result: Type::Boolean }
}
