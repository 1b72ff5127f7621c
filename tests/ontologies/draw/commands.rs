//! Commands: what is asked, what is refused, what is emitted.

use super::names;
use super::scope::Scope;
use super::types::Type;
use super::yaml::Yaml;
use super::{Draw, Event, Field, fields};

/// Refusals with names that mean something elsewhere; each is taken once.
const ODD_REFUSALS: [&str; 10] =
    ["Ok", "Err", "Error", "Fmt", "Refusal", "Name", "Some", "Default", "NotFound", "type"];

/// A command that is being drawn.
struct Asked {
    inputs: Vec<Field>,
    scope: Scope,
}

impl Draw {
    pub(crate) fn draw_commands(&mut self) -> Yaml {
        let emitted: Vec<Event> =
            self.events.iter().filter(|event| !event.retired).cloned().collect();
        let mut entries = Vec::new();
        for (index, event) in emitted.iter().enumerate() {
            let mut events = vec![event.clone()];
            while self.chance(3) {
                events.push(self.one(&emitted).clone());
            }
            let name = self.name();
            entries.push((name, self.command(&events, index == 0)));
        }
        Yaml::Map(entries)
    }

    fn command(&mut self, events: &[Event], first: bool) -> Yaml {
        let count = self.random.usize(..2);
        let mut asked = Asked { inputs: self.fields(count, 1), scope: Scope::default() };
        let mut entries = Vec::new();
        if self.chance(3) {
            entries.push(("description".to_owned(), self.prose()));
        }
        entries.extend(self.target(first).map(|target| ("target".to_owned(), target)));
        self.ask_for(events, &mut asked);
        asked.scope = self.command_scope(&asked.inputs);
        let steps = self.steps(&mut asked);
        let emit = self.emit(events, &mut asked, true);
        let ensure = self.ensure(&asked);
        entries.push(("input".to_owned(), fields(&asked.inputs)));
        entries.extend(steps);
        entries.push(("emit".to_owned(), emit));
        entries.extend(ensure);
        Yaml::Map(entries)
    }

    fn target(&mut self, first: bool) -> Option<Yaml> {
        let word = match self.random.u8(..6) {
            0 | 1 => "any",
            2 if first => "new",
            _ if first => "any",
            3 => "new",
            4 => return None,
            _ => "existing",
        };
        if word != "any" && self.chance(3) {
            let refusal = self.refusal();
            return Some(Yaml::one(word, Yaml::word(refusal)));
        }
        Some(Yaml::word(word))
    }

    /// Inputs that fill fields of the events.
    fn ask_for(&mut self, events: &[Event], asked: &mut Asked) {
        for field in events.iter().flat_map(|event| &event.fields) {
            let met = asked.inputs.iter().any(|input| names::meet(&input.name, &field.name));
            if !met && !self.is_filled(&field.name) && self.random.bool() {
                asked.inputs.push(Field::new(field.name.clone(), field.of.clone()));
            }
        }
    }

    fn command_scope(&mut self, inputs: &[Field]) -> Scope {
        let mut scope = Scope { clock: true, ..Scope::default() };
        let state = self.state.clone();
        self.see(&mut scope, "input", inputs, &state);
        self.see_state(&mut scope);
        self.see_constants(&mut scope);
        self.see_config(&mut scope);
        scope
    }

    /// `reject`, or `steps` of several kinds.
    fn steps(&mut self, asked: &mut Asked) -> Option<(String, Yaml)> {
        match self.random.u8(..5) {
            0 => None,
            1 | 2 => Some(("reject".to_owned(), self.rejections(asked))),
            _ => {
                let mut steps = Vec::new();
                for _ in 0..self.random.usize(1..4) {
                    steps.extend(self.step(asked));
                }
                Some(("steps".to_owned(), Yaml::List(steps)))
            }
        }
    }

    fn step(&mut self, asked: &mut Asked) -> Vec<Yaml> {
        match self.random.u8(..4) {
            0 => {
                let condition = Yaml::text(self.two(&asked.scope, "&&", 1));
                vec![Yaml::one("nothingToDo", condition)]
            }
            1 => {
                let Some(bound) = self.find(&asked.scope, |_| true) else { return Vec::new() };
                let local = self.local();
                let asks = self.about(&local, &bound.of, &asked.scope);
                let Some(asks) = asks else { return Vec::new() };
                let other = self.condition(&asked.scope.beside(&asks), 1);
                asked.scope = asked.scope.with(&local, &bound.of);
                let refusal = self.refusal();
                let condition = Yaml::text(format!("{asks} && ({other})"));
                vec![
                    Yaml::one("let", Yaml::one(local, Yaml::text(bound.path))),
                    Yaml::one("reject", Yaml::one(refusal, condition)),
                ]
            }
            2 => {
                // What is rejected here is known to be present from here on.
                let optional = self.find(&asked.scope, |of| matches!(of, Type::Optional(_)));
                let Some(optional) = optional else { return Vec::new() };
                let condition = Yaml::text(format!("{}.is_none()", optional.path));
                asked.scope = asked.scope.knowing(&optional.path);
                let refusal = self.refusal();
                vec![Yaml::one("reject", Yaml::one(refusal, condition))]
            }
            _ => vec![Yaml::one("reject", self.rejections(asked))],
        }
    }

    fn rejections(&mut self, asked: &mut Asked) -> Yaml {
        let mut entries = Vec::new();
        for _ in 0..self.random.usize(1..3) {
            let condition = self.two(&asked.scope, "&&", 2);
            let refusal = self.refusal();
            if self.random.bool() {
                entries.push((refusal, Yaml::text(condition)));
                continue;
            }
            let mut long = vec![("when".to_owned(), Yaml::text(condition.clone()))];
            if self.random.bool() {
                let template = self.template(&asked.scope);
                long.push(("message".to_owned(), Yaml::text(template)));
            }
            if self.chance(4) {
                let emitted = self.events.iter().filter(|event| !event.retired).cloned();
                let emitted: Vec<Event> = emitted.collect();
                let event = self.one(&emitted).clone();
                let known = asked.scope.clone();
                asked.scope = asked.scope.beside(&condition);
                long.push(("emit".to_owned(), self.emit(&[event], asked, false)));
                asked.scope = known;
            }
            entries.push((refusal, Yaml::Map(long)));
        }
        Yaml::Map(entries)
    }

    fn ensure(&mut self, asked: &Asked) -> Option<(String, Yaml)> {
        if !self.chance(4) {
            return None;
        }
        let mut scope = asked.scope.clone();
        let state = self.state.clone();
        self.see(&mut scope, "after", &state, &[]);
        self.see_derived(&mut scope, "after.");
        let condition = Yaml::text(self.two(&scope, "||", 1));
        Some(("ensure".to_owned(), Yaml::one(self.refusal(), condition)))
    }

    fn emit(&mut self, events: &[Event], asked: &mut Asked, after: bool) -> Yaml {
        if let [event] = events
            && self.random.bool()
        {
            let (name, values) = (event.name.clone(), self.emission(event, asked, &[]));
            return match values.is_empty() {
                true => Yaml::word(name),
                false => Yaml::one(name, Yaml::Map(values)),
            };
        }
        if after {
            let state = self.state.clone();
            let mut scope = asked.scope.clone();
            self.see(&mut scope, "after", &state, &[]);
            asked.scope = scope;
        }
        let items = events.iter().map(|event| self.item(event, asked)).collect();
        Yaml::List(items)
    }

    /// An item of a list: with a condition, an alternative, or for each of several.
    fn item(&mut self, event: &Event, asked: &mut Asked) -> Yaml {
        let mut item = Vec::new();
        let each = self.each(event, &asked.scope).filter(|_| self.chance(2));
        let fixed: Vec<(String, String)> =
            each.iter().map(|(field, local, _)| (field.clone(), local.clone())).collect();
        let condition = self.condition(&asked.scope, 2);
        let condition = Some(condition).filter(|_| each.is_none() && self.chance(3));
        let known = asked.scope.clone();
        if let Some(condition) = &condition {
            asked.scope = known.beside(condition);
        }
        let values = self.emission(event, asked, &fixed);
        item.push((event.name.clone(), Yaml::Map(values)));
        if let Some((_, local, list)) = each {
            item.push(("forEach".to_owned(), Yaml::one(local, Yaml::text(list))));
        }
        if let Some(condition) = condition {
            item.push(("when".to_owned(), Yaml::text(condition)));
            if self.random.bool() {
                let values = self.emission(event, asked, &[]);
                let otherwise = Yaml::one(event.name.clone(), Yaml::Map(values));
                item.push(("else".to_owned(), otherwise));
            }
        }
        asked.scope = known;
        Yaml::Map(item)
    }

    /// A field of the event that takes the elements of a list: the field, the local, the list.
    fn each(&mut self, event: &Event, scope: &Scope) -> Option<(String, String, String)> {
        let fields: Vec<&Field> = event
            .fields
            .iter()
            .filter(|field| {
                field.name != self.partition_key && Some(&field.name) != event.time.as_ref()
            })
            .collect();
        if fields.is_empty() {
            return None;
        }
        let field = (*self.one(&fields)).clone();
        // One of the state would double with every command that keeps what it emits.
        let list = self.find(&scope.fresh(), |of| match of {
            Type::List(element) | Type::Set(element) => element.becomes(&field.of),
            _ => false,
        })?;
        let local = self.local();
        Some((field.name, local, list.path))
    }

    /// The fields of an event that are written out; the others are filled.
    fn emission(
        &mut self,
        event: &Event,
        asked: &mut Asked,
        fixed: &[(String, String)],
    ) -> Vec<(String, Yaml)> {
        let mut values = Vec::new();
        for field in &event.fields {
            if let Some((name, value)) = fixed.iter().find(|(name, _)| *name == field.name) {
                values.push((name.clone(), Yaml::text(value.clone())));
                continue;
            }
            if field.name == self.partition_key || Some(&field.name) == event.time.as_ref() {
                // An input of its name would fill it.
                let met = asked.inputs.iter().any(|input| input.name == field.name);
                values.extend(met.then(|| (field.name.clone(), Yaml::word("now()"))));
                continue;
            }
            if let Some(value) = self.emitted(field, asked) {
                values.push((field.name.clone(), Yaml::text(value)));
            }
        }
        values
    }

    /// The value of a field; none where the input of its name fills it.
    fn emitted(&mut self, field: &Field, asked: &mut Asked) -> Option<String> {
        let same = asked.inputs.iter().find(|input| names::meet(&input.name, &field.name)).cloned();
        let drawn = self.random.u8(..10);
        if field.of == Type::Uuid && drawn == 0 {
            return Some("new_id()".to_owned());
        }
        // The rules of a named type are checked before anything is appended.
        let of = match drawn {
            1 => field.of.plain().clone(),
            _ => field.of.clone(),
        };
        if of != field.of {
            let plain = self.find(&asked.scope, |read| *read == of);
            if let Some(plain) = plain.filter(|plain| !plain.constant) {
                return Some(plain.path);
            }
        } else if drawn < 4
            && let Some(value) = self.expression(&asked.scope, &of, 2)
        {
            return Some(value);
        }
        match same {
            Some(input) if input.name == field.name && input.of.becomes(&field.of) => None,
            None if !self.is_filled(&field.name) => {
                asked.inputs.push(Field::new(field.name.clone(), of));
                None
            }
            _ => Some(self.ask_under_another_name(of, asked)),
        }
    }

    fn ask_under_another_name(&mut self, of: Type, asked: &mut Asked) -> String {
        let taken: Vec<String> = asked.inputs.iter().map(|input| input.name.clone()).collect();
        loop {
            let name = names::field(&mut self.random, &taken);
            if !self.is_filled(&name) {
                asked.inputs.push(Field::new(name.clone(), of));
                return format!("input.{name}");
            }
        }
    }

    /// Whether a field of this name is filled in some event, which an input of its name would hinder.
    fn is_filled(&self, name: &str) -> bool {
        let times = self.events.iter().filter_map(|event| event.time.as_ref());
        let mut filled = times.chain([&self.partition_key]);
        filled.any(|filled| names::meet(filled, name))
    }

    pub(crate) fn refusal(&mut self) -> String {
        self.refusals += 1;
        match ODD_REFUSALS.get(self.refusals % 17) {
            Some(odd) if self.refusals < 17 => (*odd).to_owned(),
            _ => format!("{}{}", self.one(&["No", "TooMany", "Already", "not_"]), self.refusals),
        }
    }
}
