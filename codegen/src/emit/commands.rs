//! Commands: a struct per command, and how it is decided.

use proc_macro2::TokenStream;
use quote::quote;

use super::events::claim;
use super::examples;
use super::expression::{Code, Compiler, Kind, field_init, without_question};
use super::layout::{self, Part};
use super::names::{function_ident, local_ident, type_ident};
use super::types::{self, is_copy};
use super::view::View;
use crate::model::{
    Command, Comparison, Decision, Emission, Expression, ExpressionKind, Method, Rejection,
    RetryKey, Scope, Step, Target, Type,
};

/// The section's items.
pub(crate) fn emit(view: &View<'_>, examples: &examples::Examples<'_>) -> Vec<Part> {
    if view.aggregate.commands.is_empty() {
        return Vec::new();
    }
    let mut parts = vec![Part::Section("Commands")];
    for command in &view.aggregate.commands {
        parts.push(structure(view, command, examples));
        parts.push(command_impl(view, command));
    }
    parts
}

fn structure(view: &View<'_>, command: &Command, examples: &examples::Examples<'_>) -> Part {
    let docs = [Some(docs(view, command)), examples.command(view, command)];
    let docs = docs.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    let derives = quote!(#[derive(Clone, Debug, PartialEq)]);
    let ident = type_ident(&command.name);
    types::structure(&view.types, &layout::doc(&docs), &derives, &ident, &command.input)
}

/// Description, what it emits, and every refusal with its condition.
fn docs(view: &View<'_>, command: &Command) -> String {
    let mut text = match &command.description {
        Some(description) => layout::prose(description),
        None => layout::code(&command.name),
    };
    let links: Vec<String> =
        emitted(command).iter().map(|event| layout::link(type_ident(event))).collect();
    if !links.is_empty() {
        text.push_str(&format!("\n\nEmits {}.", links.join(", ")));
    }
    let refusals = refusal_lines(view, command);
    if !refusals.is_empty() {
        text.push_str("\n\nRefused with");
        for line in refusals {
            text.push_str(&format!("\n- {line}"));
        }
    }
    text
}

fn refusal_lines(view: &View<'_>, command: &Command) -> Vec<String> {
    let link = |name: &str| format!("[`{0}`]({1}::{0})", type_ident(name), view.error);
    let mut lines = Vec::new();
    let target = command.target_refusal.as_ref().map(|refusal| {
        let why = match command.target {
            Target::New => "there is one already",
            Target::Existing | Target::Any => "there is none",
        };
        format!("{} where {why}", link(refusal))
    });
    if !checks_target(command) {
        lines.extend(target.clone());
    }
    if let Decision::Custom(refuses) = &command.decision {
        lines.extend(
            refuses.iter().map(|name| format!("{} by its hand-written decision", link(name))),
        );
    }
    let Decision::Declared { steps, ensure, .. } = &command.decision else { return lines };
    for step in steps {
        match step {
            Step::Reject(Rejection { refusal, text, .. }) => {
                lines.push(format!("{} where {}", link(refusal), layout::code(text)));
            }
            Step::Target => lines.extend(target.clone()),
            _ => {}
        }
    }
    for rejection in ensure {
        let condition = layout::code(&rejection.text);
        lines.push(format!("{} where in the end {condition}", link(&rejection.refusal)));
    }
    lines
}

/// The events that a command can emit, each once, in order.
pub(crate) fn emitted(command: &Command) -> Vec<&str> {
    let mut names = Vec::new();
    if let Decision::Declared { steps, emit, .. } = &command.decision {
        for step in steps {
            if let Step::Reject(rejection) = step {
                rejection.emit.iter().for_each(|emission| add_names(emission, &mut names));
            }
        }
        emit.iter().for_each(|emission| add_names(emission, &mut names));
    }
    names
}

fn add_names<'c>(emission: &'c Emission, names: &mut Vec<&'c str>) {
    if !names.contains(&emission.event.as_str()) {
        names.push(&emission.event);
    }
    if let Some(otherwise) = &emission.otherwise {
        add_names(otherwise, names);
    }
}

fn command_impl(view: &View<'_>, command: &Command) -> Part {
    let (generics, marker, error) = (view.generics(), view.marker(), &view.error);
    let (ident, name) = (type_ident(&command.name), &command.name);
    let target = match command.target {
        Target::New => quote!(__Target::New),
        Target::Existing => quote!(__Target::Existing),
        Target::Any => quote!(__Target::Any),
    };
    let validate = view.types.validate_body(&command.input);
    let write = types::write_body(&command.input);
    let out = if command.input.is_empty() { quote!(_out) } else { quote!(out) };
    let target_refused = target_refused(view, command);
    let decide = decide(view, command);
    layout::block(
        &quote!(impl #generics __Command<#marker> for #ident),
        vec![
            vec![
                quote!(const NAME: &'static str = #name;),
                quote!(const TARGET: __Target = #target;),
            ]
            .into_iter()
            .chain(moved_checks(command))
            .collect(),
            vec![quote!(fn validate(&self) -> Result<(), __FieldError> { #validate })],
            vec![quote!(fn write(&self, #out: &mut __Writer) { #write })],
            vec![unique_keys(view, command)],
            retry_keys(view, command).into_iter().collect(),
            target_refused.into_iter().collect(),
            vec![quote! {
                fn decide(&self, context: &mut __Decide<'_, #marker>) -> Result<(), __Halt<#error>> {
                    #decide
                }
            }],
        ],
    )
}

/// Whether the target is checked by a step.
fn checks_target(command: &Command) -> bool {
    matches!(&command.decision, Decision::Declared { steps, .. } if steps.contains(&Step::Target))
}

/// What is checked where the decision says so.
fn moved_checks(command: &Command) -> Vec<TokenStream> {
    let Decision::Declared { steps, .. } = &command.decision else { return Vec::new() };
    let keys: Vec<&String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Unique(field) => Some(field),
            _ => None,
        })
        .collect();
    let target = checks_target(command).then(|| {
        quote!(
            const CHECKS_TARGET: bool = true;
        )
    });
    let keys = (!keys.is_empty())
        .then(|| quote!(const LATER_KEYS: &'static [&'static str] = &[#(#keys),*];));
    target.into_iter().chain(keys).collect()
}

/// Only where the refusal is not the one that the aggregate has for all.
fn target_refused(view: &View<'_>, command: &Command) -> Option<TokenStream> {
    use crate::model::RefusalRole::{AlreadyExists, NotFound};
    let name = command.target_refusal.as_ref()?;
    let (role, verb) = match command.target {
        Target::New => (AlreadyExists, "exists already"),
        Target::Existing | Target::Any => (NotFound, "does not exist"),
    };
    let refusal = view.aggregate.refusals.iter().find(|refusal| refusal.name == *name)?;
    if refusal.role == role {
        return None;
    }
    let (error, variant) = (&view.error, type_ident(name));
    let text = format!("{} `{{stream}}` {verb}", view.aggregate.name);
    Some(quote! {
        fn target_refused(stream: &__StreamId) -> #error {
            #error::#variant { message: format!(#text) }
        }
    })
}

fn unique_keys(view: &View<'_>, command: &Command) -> TokenStream {
    let compiler = Compiler::new(&view.types, [(Scope::Input, quote!(self))]).in_decision();
    let claims = command.keys.iter().map(|(unique, value)| {
        let of = &value.result;
        match &value.kind {
            ExpressionKind::Read(Scope::Input, name) => {
                let field = super::names::field_ident(name);
                claim(unique, of, &quote!(self.#field))
            }
            _ => {
                let value = compiler.compile(value).own();
                let claim = claim(unique, of, &quote!(value));
                quote!(let value = #value; #claim)
            }
        }
    });
    let claims: Vec<TokenStream> = claims.collect();
    let claim = if claims.is_empty() { quote!(_claim) } else { quote!(claim) };
    quote!(fn unique_keys(&self, #claim: &mut dyn __FnMut(__UniqueKey)) { #(#claims)* })
}

/// Only where there are any.
fn retry_keys(view: &View<'_>, command: &Command) -> Option<TokenStream> {
    if command.retry_keys.is_empty() {
        return None;
    }
    let scopes = [(Scope::Input, quote!(self))];
    let compiler = Compiler::new(&view.types, scopes).with_stream(quote!(stream));
    let claims: Vec<TokenStream> =
        command.retry_keys.iter().map(|key| retry_key(&compiler, key)).collect();
    let stream = if compiler.meta_used() { quote!(stream) } else { quote!(_stream) };
    Some(quote! {
        fn retry_keys(&self, #stream: &__StreamId, claim: &mut dyn __FnMut(__UniqueKey)) {
            #(#claims)*
        }
    })
}

/// What can't be calculated is no key: the decision fails at it too.
fn retry_key(compiler: &Compiler<'_>, key: &RetryKey) -> TokenStream {
    let Some((name, list)) = &key.for_each else { return one_retry_key(compiler, key) };
    let (code, fallible) = compiler.compile_noting(list);
    let (pattern, items, kind) = each(compiler, name, list, !fallible);
    compiler.bind(name, kind);
    let one = one_retry_key(compiler, key);
    if fallible {
        let list = result(code);
        return quote! {
            let list = || #list;
            if let Ok(list) = list() { for #pattern in list { #one } }
        };
    }
    quote!(for #pattern in #items { #one })
}

/// The value as a result.
fn result(code: Code) -> TokenStream {
    without_question(&code).unwrap_or_else(|| {
        let value = code.own();
        quote!(Ok::<_, __EvalError>(#value))
    })
}

fn one_retry_key(compiler: &Compiler<'_>, key: &RetryKey) -> TokenStream {
    let of = &key.value.result;
    let (code, fallible) = compiler.compile_noting(&key.value);
    let place = matches!(code.kind, Kind::Place);
    if fallible {
        let value = result(code);
        let function = function_ident("unique", &key.unique.field);
        let found = match of {
            Type::Optional(_) => quote!(Ok(Some(value))),
            _ => quote!(Ok(value)),
        };
        return quote! {
            let value = || #value;
            if let #found = value() { claim(#function(&value)); }
        };
    }
    if place {
        return claim(&key.unique, of, &code.tokens);
    }
    let value = code.own();
    let claim = claim(&key.unique, of, &quote!(value));
    quote!(let value = #value; #claim)
}

fn decide(view: &View<'_>, command: &Command) -> TokenStream {
    match &command.decision {
        Decision::Custom(_) => {
            let function = function_ident("decide", &command.name);
            quote!(__B::#function(context, self))
        }
        Decision::Declared { steps, emit, ensure } => declared(view, steps, emit, ensure),
    }
}

/// What a decision is compiled with: `state`, `self`, and `after` wherever it stands.
struct Decider<'v> {
    view: &'v View<'v>,
    compiler: Compiler<'v>,
    /// Whether something may be read after an event was emitted: what is borrowed of the context is gone
    /// then.
    reads_on: bool,
}

fn declared(
    view: &View<'_>,
    steps: &[Step],
    emit: &[Emission],
    ensure: &[Rejection],
) -> TokenStream {
    let scopes = [
        (Scope::State, quote!(state)),
        (Scope::Input, quote!(self)),
        (Scope::After, quote!(context.after())),
        (Scope::Config, quote!(config)),
    ];
    let compiler = Compiler::new(&view.types, scopes).in_decision();
    let reads_on = reads_on(steps, emit, ensure);
    let decider = Decider { view, compiler, reads_on };
    let mut body = decider.steps(steps);
    let last = ensure.is_empty();
    for (at, emission) in emit.iter().enumerate() {
        body.extend(decider.emission(emission, last && at + 1 == emit.len()));
    }
    body.extend(ensure.iter().map(|rejection| decider.reject(rejection)));
    let ends_in_emit = last && emit.last().is_some_and(is_plain);
    if !ends_in_emit {
        body.push(quote!(Ok(())));
    }
    let state = decider.compiler.used(Scope::State).then(|| quote!(let state = context.state();));
    let config =
        decider.compiler.used(Scope::Config).then(|| quote!(let config = context.config();));
    quote!(#state #config #(#body)*)
}

/// Whether anything stands after an emission that may read.
fn reads_on(steps: &[Step], emit: &[Emission], ensure: &[Rejection]) -> bool {
    let goes_on = |emit: &[Emission]| {
        emit.len() > 1 || emit.iter().any(|emission| emission.for_each.is_some())
    };
    let kept = |step: &Step| matches!(step, Step::Reject(rejection) if goes_on(&rejection.emit));
    goes_on(emit) || !ensure.is_empty() || steps.iter().any(kept)
}

/// Whether an emission is one call, whatever the state.
fn is_plain(emission: &Emission) -> bool {
    emission.when.is_none() && emission.for_each.is_none()
}

impl Decider<'_> {
    fn steps(&self, steps: &[Step]) -> Vec<TokenStream> {
        let mut body = Vec::new();
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Reject(rejection) => {
                    if let Some(Step::Unwrap { local, optional }) = steps.peek()
                        && is_absence(&rejection.when, optional)
                    {
                        body.push(self.unwrap(local, optional, &self.refuse(rejection)));
                        steps.next();
                        continue;
                    }
                    body.push(self.reject(rejection));
                }
                Step::NothingToDo(condition) => {
                    if let Some(Step::Unwrap { local, optional }) = steps.peek()
                        && is_absence(condition, optional)
                    {
                        body.push(self.unwrap(local, optional, &quote!(return Ok(());)));
                        steps.next();
                        continue;
                    }
                    let code = self.compiler.leave_if(condition, &quote!(return Ok(());));
                    let ids = self.compiler.take_new_ids();
                    body.push(quote!(#ids #code));
                }
                Step::Let(name, value) => {
                    let binding = self.compiler.binding(name, value);
                    let ids = self.compiler.take_new_ids();
                    body.push(quote!(#ids #binding));
                }
                Step::Unwrap { local, optional } => body.push(self.present_value(local, optional)),
                Step::Target => body.push(quote!(context.check_target::<Self>()?;)),
                Step::Unique(field) => body.push(quote!(context.look_up(#field);)),
            }
        }
        body
    }

    fn present(&self, present: &[(String, Expression)]) -> Vec<TokenStream> {
        present.iter().map(|(local, optional)| self.present_value(local, optional)).collect()
    }

    /// The value of an optional that a condition has shown to be present.
    fn present_value(&self, local: &str, optional: &Expression) -> TokenStream {
        let why = format!("`{local}` is absent where a condition has made sure of it");
        self.unwrap(local, optional, &quote!(return Err(__Halt::Failed(#why.to_owned()));))
    }

    /// `let Some(guest) = &state.guest else { … };`
    fn unwrap(&self, local: &str, optional: &Expression, otherwise: &TokenStream) -> TokenStream {
        let code = self.compiler.compile(optional);
        let (value, kind) = match code.kind {
            Kind::Copy => (code.tokens, Kind::Copy),
            Kind::Owned | Kind::Items | Kind::Array => (code.own(), Kind::Place),
            Kind::Place => (code.borrow(), Kind::Reference),
            Kind::Reference => (code.tokens, Kind::Reference),
            Kind::OptionalReference => (code.tokens, Kind::Reference),
            Kind::OptionalText
                if self.reads_on && matches!(optional.kind, ExpressionKind::Meta(_)) =>
            {
                (code.own(), Kind::Place)
            }
            Kind::Text | Kind::OptionalText => (code.tokens, Kind::Text),
        };
        self.compiler.bind(local, kind);
        let ids = self.compiler.take_new_ids();
        let ident = local_ident(local);
        quote!(#ids let Some(#ident) = #value else { #otherwise };)
    }

    fn reject(&self, rejection: &Rejection) -> TokenStream {
        let refuse = self.refuse(rejection);
        let code = self.compiler.leave_if(&rejection.when, &refuse);
        let ids = self.compiler.take_new_ids();
        quote!(#ids #code)
    }

    /// Emits what is kept, and returns the refusal.
    fn refuse(&self, rejection: &Rejection) -> TokenStream {
        let (error, name) = (&self.view.error, type_ident(&rejection.refusal));
        let message = field_init("message", &self.compiler.value(&rejection.message));
        let ids = self.compiler.take_new_ids();
        let emitted: Vec<TokenStream> =
            rejection.emit.iter().flat_map(|emission| self.emission(emission, false)).collect();
        let refusal = quote!(#error::#name { #message });
        if emitted.is_empty() {
            return quote!(#ids return Err(__Halt::Refused(#refusal)););
        }
        quote! {
            #ids
            let refusal = #refusal;
            #(#emitted)*
            return Err(__Halt::RefusedKeeping(refusal));
        }
    }

    /// Statements that emit; the last of a decision is its value.
    fn emission(&self, emission: &Emission, last: bool) -> Vec<TokenStream> {
        if let Some((name, list)) = &emission.for_each {
            return vec![self.for_each(emission, name, list)];
        }
        let Some(when) = &emission.when else { return self.emit_one(emission, last) };
        let condition = self.compiler.condition(when);
        let ids = self.compiler.take_new_ids();
        let mut yes = self.present(&emission.present);
        yes.extend(self.emit_one(emission, false));
        let no = emission.otherwise.as_deref().map(|otherwise| {
            let mut no = self.present(&emission.otherwise_present);
            no.extend(self.emission(otherwise, false));
            quote!(else { #(#no)* })
        });
        vec![quote!(#ids if #condition { #(#yes)* } #no)]
    }

    fn for_each(&self, emission: &Emission, name: &str, list: &Expression) -> TokenStream {
        // What the loop emits changes the context, so a list of the outcome can't be borrowed from it.
        let can_borrow = !list.reads_scope(Scope::After);
        let (pattern, list, kind) = each(&self.compiler, name, list, can_borrow);
        let ids = self.compiler.take_new_ids();
        self.compiler.bind(name, kind);
        let one = Emission { for_each: None, ..emission.clone() };
        let body = self.emission(&one, false);
        quote!(#ids for #pattern in #list { #(#body)* })
    }

    fn emit_one(&self, emission: &Emission, last: bool) -> Vec<TokenStream> {
        let event = type_ident(&emission.event);
        let fields: Vec<TokenStream> = emission
            .fields
            .iter()
            .map(|assignment| self.compiler.field_value(&assignment.field, &assignment.value))
            .collect();
        let ids = self.compiler.take_new_ids();
        let value =
            if fields.is_empty() { quote!(#event) } else { quote!(#event { #(#fields,)* }) };
        let end = if last { TokenStream::new() } else { quote!(?;) };
        vec![quote!(#ids context.emit(#value) #end)]
    }
}

/// What stands in `for pattern in list`, and what the local in the pattern is.
pub(crate) fn each(
    compiler: &Compiler<'_>,
    name: &str,
    list: &Expression,
    can_borrow: bool,
) -> (TokenStream, TokenStream, Kind) {
    let item_is_copy = match &list.result {
        Type::List(item) | Type::Set(item) => is_copy(item),
        _ => false,
    };
    let code = compiler.compile(list);
    let ident = local_ident(name);
    let borrowed = can_borrow && code.kind != Kind::Owned;
    let is_array = code.kind == Kind::Items;
    match (borrowed, item_is_copy) {
        _ if is_array => {
            let kind = if item_is_copy { Kind::Copy } else { Kind::Place };
            (quote!(#ident), code.tokens, kind)
        }
        (true, true) => (quote!(&#ident), code.slice(), Kind::Copy),
        (true, false) => (quote!(#ident), code.slice(), Kind::Reference),
        (false, true) => (quote!(#ident), code.own(), Kind::Copy),
        (false, false) => (quote!(#ident), code.own(), Kind::Place),
    }
}

/// Whether a condition is the absence of this optional, and nothing else.
fn is_absence(condition: &Expression, optional: &Expression) -> bool {
    match &condition.kind {
        ExpressionKind::Call(Method::IsNone, subject, _) => **subject == *optional,
        ExpressionKind::Compare(Comparison::Equal, a, b) => {
            (**a == *optional && b.kind == ExpressionKind::None)
                || (**b == *optional && a.kind == ExpressionKind::None)
        }
        _ => false,
    }
}
