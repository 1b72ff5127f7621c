//! Random ontologies that are valid by construction, over as much of the language as can be drawn.
//!
//! Left out is what somebody writes by hand, since there is nobody to write it. What is drawn depends on
//! the seed alone, so that a failure is repeated by its number.

mod commands;
mod conditions;
mod events;
mod expressions;
mod invariants;
mod literals;
mod names;
mod projections;
mod queries;
mod scope;
mod settings;
mod types;
mod values;
mod yaml;

use literals::Place;
use names::{Names, VARIANTS};
use settings::Derived;
use types::Type;
use yaml::Yaml;

/// A field of anything.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    name: String,
    of: Type,
    /// Its default as written.
    default: Option<String>,
}

impl Field {
    fn new(name: impl Into<String>, of: Type) -> Self {
        Self { name: name.into(), of, default: None }
    }
}

/// What `types:` declares.
enum Declared {
    Enum { name: String, variants: Vec<String> },
    Record { name: String, fields: Vec<Field> },
    Newtype { name: String, written: String, base: Type, samples: Vec<String> },
}

/// An event, as commands and projections see it.
#[derive(Clone, Debug)]
struct Event {
    name: String,
    fields: Vec<Field>,
    /// The field that is its time.
    time: Option<String>,
    retired: bool,
}

/// An ontology that is being drawn.
pub(crate) struct Draw {
    random: fastrand::Rng,
    names: Names,
    declared: Vec<Declared>,
    constants: Vec<Field>,
    config: Vec<Field>,
    derived: Vec<Derived>,
    /// How many locals were named.
    locals: usize,
    aggregate: String,
    partition_key: String,
    state: Vec<Field>,
    events: Vec<Event>,
    /// What commands refuse by.
    refusals: usize,
}

/// The text of the ontology with this number.
pub(crate) fn ontology(number: u64) -> String {
    let mut draw = Draw {
        random: fastrand::Rng::with_seed(number),
        names: Names::default(),
        declared: Vec::new(),
        constants: Vec::new(),
        config: Vec::new(),
        derived: Vec::new(),
        locals: 0,
        aggregate: String::new(),
        partition_key: String::new(),
        state: Vec::new(),
        events: Vec::new(),
        refusals: 0,
    };
    let mut text = String::new();
    draw.whole().write_lines(0, &mut text);
    text
}

impl Draw {
    fn whole(&mut self) -> Yaml {
        self.aggregate = self.name();
        for suffix in ["Event", "State", "Error", "Behavior", "Repository"] {
            let taken = format!("{}{suffix}", self.aggregate);
            self.names.keep(&taken);
        }
        self.partition_key =
            (self.word(&["id", "accountId", "key", "stream_id", "type"])).to_owned();
        let mut entries = vec![("aggregateRoot".to_owned(), Yaml::word(self.aggregate.clone()))];
        if self.chance(2) {
            entries.push(("description".to_owned(), self.prose()));
        }
        self.declare_types();
        self.declare_constants();
        self.declare_config();
        self.declare_state();
        self.declare_derived();
        let (types, constants, state) = (self.types(), self.constants(), fields(&self.state));
        let (config, derived) = (fields(&self.config), self.derived());
        let events = self.draw_events();
        let commands = self.draw_commands();
        let invariants = self.draw_invariants();
        let projections = self.draw_projections();
        for (key, value) in [
            ("types", types),
            ("constants", constants),
            ("config", config),
            ("state", state),
            ("derived", derived),
            ("events", events),
            ("commands", commands),
            ("invariants", invariants),
            ("eventStore", self.event_store()),
            ("projections", projections),
        ] {
            let empty = matches!(&value, Yaml::Map(entries) if entries.is_empty());
            if !empty || key == "state" {
                entries.push((key.to_owned(), value));
            }
        }
        Yaml::Map(entries)
    }

    fn event_store(&mut self) -> Yaml {
        let mut entries = vec![("partitionKey".to_owned(), Yaml::word(self.partition_key.clone()))];
        let snapshots =
            self.word(&["", "never", "every 1 events", "every 3 events", "every 10 events"]);
        let retention = self.word(&["", "forever", "7 years", "6 months", "30 days"]);
        for (key, value) in [("snapshotStrategy", snapshots), ("retentionPolicy", retention)] {
            if !value.is_empty() {
                entries.push((key.to_owned(), Yaml::word(value)));
            }
        }
        Yaml::Map(entries)
    }

    fn declare_types(&mut self) {
        for variants in VARIANTS {
            if self.chance(5) {
                let name = self.name();
                let variants = variants.iter().map(|variant| (*variant).to_owned()).collect();
                self.declared.push(Declared::Enum { name, variants });
            }
        }
        for _ in 0..self.random.usize(..3) {
            let newtype = self.newtype();
            self.declared.push(newtype);
        }
        for _ in 0..self.random.usize(..3) {
            let count = self.random.usize(1..5);
            let (name, fields) = (self.name(), self.fields(count, 2));
            self.declared.push(Declared::Record { name, fields });
        }
    }

    fn newtype(&mut self) -> Declared {
        let none: &[&str] = &[];
        let forms: [(Type, &str, &[&str]); 11] = [
            (Type::String, " matching [A-Z]{3}", &["EUR", "ABC"]),
            (Type::String, " of 1 to 8 characters", &["a", "ünïcödé"]),
            (Type::String, " of at most 5 characters matching [a-z]*", &["", "abcde"]),
            (Type::Integer, " from 1 to 999", &["1", "7", "999"]),
            (Type::Integer, " at least -5", &["-5", "0", "12"]),
            (Type::Decimal(None), " greater than 0 and at most 1000", &["0.5", "1000"]),
            (Type::Decimal(Some((5, 2))), " from 0 to 100", &["0", "99.99", "100"]),
            (Type::Uuid, "", none),
            (Type::Date, "", none),
            (Type::Duration, "", none),
            (Type::String, "", &["any"]),
        ];
        let (base, rule, samples) = self.one(&forms).clone();
        let samples = samples.iter().map(|sample| (*sample).to_owned()).collect();
        let written = format!("{}{rule}", base.written());
        Declared::Newtype { name: self.name(), written, base, samples }
    }

    fn declare_constants(&mut self) {
        for _ in 0..self.random.usize(..4) {
            let name =
                format!("{}Limit{}", self.one(&["max", "std", "type"]), self.constants.len());
            // Nobody asks whether a constant is there.
            let of = match self.of_any(1) {
                Type::Optional(of) => *of,
                of => of,
            };
            self.constants.push(Field::new(name, of));
        }
    }

    fn declare_state(&mut self) {
        let count = self.random.usize(1..8);
        let mut state = self.fields(count, 2);
        for field in &mut state {
            if !self.has_zero(&field.of) || self.chance(4) {
                field.default = self.literal(&field.of, Place::Default);
            }
        }
        self.state = state;
    }

    /// Whether there is a value to start from without a default.
    fn has_zero(&self, of: &Type) -> bool {
        match of {
            Type::Timestamp | Type::Date | Type::Uuid | Type::Bytes | Type::Newtype(..) => false,
            Type::Record(name) => self.record(name).iter().all(|field| self.has_zero(&field.of)),
            _ => true,
        }
    }

    /// So many fields of types as deep as this.
    fn fields(&mut self, count: usize, depth: u8) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for _ in 0..count {
            let taken = fields.iter().map(|field| field.name.clone());
            let taken: Vec<String> = taken.chain([self.partition_key.clone()]).collect();
            let name = names::field(&mut self.random, &taken);
            let of = self.of_any(depth);
            fields.push(Field::new(name, of));
        }
        fields
    }

    /// Any type that nests so deep.
    fn of_any(&mut self, depth: u8) -> Type {
        if depth == 0 || self.random.u8(..10) < 6 {
            return self.of_single();
        }
        match self.random.u8(..8) {
            0 | 1 => self.of_any(depth - 1).list(),
            2 | 3 => self.of_any(depth - 1).optional(),
            4 => Type::Set(Box::new(self.of_key())),
            5 => Type::Map(Box::new(self.of_key()), Box::new(self.of_any(depth - 1))),
            _ => {
                let records = self.declared.iter().filter_map(|declared| match declared {
                    Declared::Record { name, .. } => Some(Type::Record(name.clone())),
                    _ => None,
                });
                let records: Vec<Type> = records.collect();
                if records.is_empty() { self.of_single() } else { self.one(&records).clone() }
            }
        }
    }

    fn of_key(&mut self) -> Type {
        loop {
            let of = self.of_single();
            if of.is_key() {
                return of;
            }
        }
    }

    fn of_single(&mut self) -> Type {
        match self.random.u8(..20) {
            0..=2 => Type::String,
            3..=5 => Type::Integer,
            6 | 7 => Type::Decimal(None),
            8 => Type::Decimal(Some(*self.one(&[(12, 2), (5, 2), (28, 10), (4, 4), (3, 0)]))),
            9 | 10 => Type::Boolean,
            11 => Type::Timestamp,
            12 => Type::Date,
            13 => Type::Duration,
            14 => Type::Uuid,
            15 => Type::Bytes,
            16 => {
                // A word of the language is read with its enum before it, which an inline one has not.
                let variants = *self.one(&VARIANTS[..6]);
                let names = variants.iter().map(|variant| (*variant).to_owned()).collect();
                self.declared_enum(variants[0]).unwrap_or(Type::Enum(None, names))
            }
            _ => {
                let named = self.declared.iter().filter_map(|declared| match declared {
                    Declared::Newtype { name, base, .. } => {
                        Some(Type::Newtype(name.clone(), Box::new(base.clone())))
                    }
                    Declared::Enum { name, variants } => {
                        Some(Type::Enum(Some(name.clone()), variants.clone()))
                    }
                    Declared::Record { .. } => None,
                });
                let named: Vec<Type> = named.collect();
                if named.is_empty() { Type::Integer } else { self.one(&named).clone() }
            }
        }
    }

    /// The declared enum with this variant: an inline one beside it would be another type.
    fn declared_enum(&self, variant: &str) -> Option<Type> {
        self.declared.iter().find_map(|declared| match declared {
            Declared::Enum { name, variants } if variants[0] == variant => {
                Some(Type::Enum(Some(name.clone()), variants.clone()))
            }
            _ => None,
        })
    }

    fn record(&self, wanted: &str) -> Vec<Field> {
        let found = self.declared.iter().find_map(|declared| match declared {
            Declared::Record { name, fields } if name == wanted => Some(fields.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// A value that keeps the rules of a named type.
    fn sample(&mut self, wanted: &str) -> Option<String> {
        let samples = self.declared.iter().find_map(|declared| match declared {
            Declared::Newtype { name, samples, .. } if name == wanted => Some(samples.clone()),
            _ => None,
        });
        let samples = samples.filter(|samples| !samples.is_empty())?;
        Some(self.one(&samples).clone())
    }

    fn types(&self) -> Yaml {
        let written = |declared: &Declared| match declared {
            Declared::Enum { name, variants } => {
                (name.clone(), Yaml::text(Type::Enum(None, variants.clone()).written()))
            }
            Declared::Record { name, fields: of } => (name.clone(), fields(of)),
            Declared::Newtype { name, written, .. } => (name.clone(), Yaml::text(written.clone())),
        };
        Yaml::Map(self.declared.iter().map(written).collect())
    }

    fn constants(&mut self) -> Yaml {
        let mut entries = Vec::new();
        for Field { name, of, .. } in self.constants.clone() {
            let literal = self.literal(&of, Place::Default).filter(|_| self.random.bool());
            let value = match literal {
                Some(literal) => Yaml::text(format!("{} = {literal}", of.written())),
                None => Yaml::Map(vec![
                    ("type".to_owned(), Yaml::text(of.written())),
                    ("value".to_owned(), self.data(&of)),
                ]),
            };
            entries.push((name, value));
        }
        Yaml::Map(entries)
    }

    fn name(&mut self) -> String {
        self.names.type_like(&mut self.random)
    }

    /// A name for a local that has none yet.
    fn local(&mut self) -> String {
        self.locals += 1;
        format!("{}{}", self.one(&["x", "found", "r", "some_value", "innerValue"]), self.locals)
    }

    fn prose(&mut self) -> Yaml {
        Yaml::text(self.word(&[
            "What it is.",
            "It's a \"thing\" with `code`, [brackets], <html> and */ the end of a comment.",
            "Déjà vu: 100 % {braces} \\ backslash",
            "#1 # 2",
        ]))
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.random.usize(..of.len())]
    }

    fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.random.usize(..of.len())]
    }

    /// Whether something happens that happens once in so many times.
    fn chance(&mut self, times: u8) -> bool {
        self.random.u8(..times) == 0
    }
}

/// Fields with their types and defaults.
fn fields(of: &[Field]) -> Yaml {
    let line = |field: &Field| {
        let default = field.default.as_ref().map(|default| format!(" = {default}"));
        let written = format!("{}{}", field.of.written(), default.unwrap_or_default());
        (field.name.clone(), Yaml::text(written))
    };
    Yaml::Map(of.iter().map(line).collect())
}
