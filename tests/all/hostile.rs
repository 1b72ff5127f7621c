//! Whatever bytes are given as an ontology: a finding or a model, never a panic, and never for long.

use std::time::{Duration, Instant};

use eventloom_codegen::diagnostic::has_errors;
use eventloom_codegen::emit::Options;
use eventloom_codegen::load::load;
use eventloom_codegen::render::{Colour, render};
use eventloom_codegen::source::{MAX_BYTES, Sources};
use eventloom_codegen::{Outcome, compile_sources};

use crate::cases::repository;

fn bank() -> Vec<u8> {
    std::fs::read(repository().join("ontology/banking-account.yaml")).expect("in the repository")
}

fn sources(bytes: &[u8]) -> Sources {
    let mut sources = Sources::default();
    sources.add_bytes("hostile.yaml", bytes.to_vec());
    sources
}

/// Compiles and renders; what is generated is generated from something without errors.
fn compile(bytes: &[u8]) -> (Outcome, String) {
    let sources = sources(bytes);
    let outcome = compile_sources(&sources, &Options::for_package("hostile"));
    let report = render(&outcome.diagnostics, &sources, Colour::Plain);
    if has_errors(&outcome.diagnostics) {
        assert!(outcome.files.is_empty(), "nothing is generated from mistakes");
        assert!(report.contains("hostile.yaml"), "a finding says where it is:\n{report}");
    }
    (outcome, report)
}

fn refuses(bytes: impl AsRef<[u8]>, code: &str) {
    let (outcome, report) = compile(bytes.as_ref());
    let codes: Vec<_> = outcome.diagnostics.iter().map(|found| found.code.id).collect();
    assert!(codes.contains(&code), "expected {code}, found {codes:?}\n{report}");
}

#[test]
fn the_bank_cut_off_at_every_byte_is_never_a_panic() {
    let bank = bank();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for first in 0..threads {
            let bank = &bank;
            scope.spawn(move || {
                for end in (first..bank.len()).step_by(threads) {
                    // The later stages see a sample: most cuts end in the loader.
                    if end % 16 == 0 {
                        compile(&bank[..end]);
                    } else {
                        std::hint::black_box(load(&sources(&bank[..end])));
                    }
                }
            });
        }
    });
}

#[test]
fn the_bank_with_a_line_missing_is_never_a_panic() {
    let bank = String::from_utf8(bank()).expect("text");
    let lines: Vec<_> = bank.lines().collect();
    for missing in 0..lines.len() {
        let mut rest = lines.clone();
        rest.remove(missing);
        compile(rest.join("\n").as_bytes());
    }
}

#[test]
fn flipped_bytes_are_never_a_panic() {
    let bank = bank();
    let mut random = fastrand::Rng::with_seed(20_260_731);
    for _ in 0..2_000 {
        let mut bytes = bank.clone();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        compile(&bytes);
    }
}

/// Characters that mean something to YAML or to expressions, where a person may have put them.
#[test]
fn special_characters_anywhere_are_never_a_panic() {
    let bank = bank();
    let specials: Vec<char> =
        "{}[]<>(),:;!&*%@`|?#\"'\\-~=\t\r\n\u{0}\u{feff}ö\u{2028}🦀".chars().collect();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..400 {
        let mut text = String::from_utf8(bank.clone()).expect("text");
        for _ in 0..random.usize(1..4) {
            let special = specials[random.usize(..specials.len())];
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
            text.insert(places[random.usize(..places.len())], special);
        }
        compile(text.as_bytes());
    }
}

#[test]
fn parts_of_the_bank_in_any_order_are_never_a_panic() {
    let bank = String::from_utf8(bank()).expect("text");
    let lines: Vec<_> = bank.lines().collect();
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..500 {
        let mut shuffled = lines.clone();
        for _ in 0..random.usize(1..6) {
            let (a, b) = (random.usize(..lines.len()), random.usize(..lines.len()));
            shuffled.swap(a, b);
        }
        compile(shuffled.join("\n").as_bytes());
    }
}

#[test]
fn emptiness_is_refused() {
    for nothing in ["", "\n", "# only a comment\n", "---\n", "\u{feff}", " \n \n"] {
        refuses(nothing, "EL0006");
    }
    for nearly in ["~", "null", "\"\"", "[]", "text"] {
        refuses(nearly, "EL0032");
    }
    refuses("{}", "EL0007");
}

/// Each names the next: they were followed to their end, and the stack was too small for it.
#[test]
fn thousands_of_derived_values_are_not_followed() {
    let mut ontology = "aggregateRoot: Cart\nstate: {net: decimal}\nderived:\n".to_owned();
    for number in 1..5_000 {
        ontology += &format!("  n{number}: n{}\n", number + 1);
    }
    ontology += "  n5000: net\nevents: {}\neventStore: {partitionKey: cartId}\n";
    refuses(ontology, "EL0244");
}

/// What each is asked with was kept twice, so that thirty in each other were a billion parts.
#[test]
fn derived_values_asked_with_each_other_do_not_grow_without_a_limit() {
    let nested = format!("{}net{}", "plus(".repeat(60), ")".repeat(60));
    refuses(
        format!(
            "aggregateRoot: Cart\nstate: {{net: decimal}}\n\
             derived: {{plus: {{input: {{x: decimal}}, value: x + 1}}}}\n\
             events: {{Added: {{version: v1, schema: {{}}, apply: {{net: {nested}}}}}}}\n\
             eventStore: {{partitionKey: cartId}}\n"
        ),
        "EL0244",
    );
}

#[test]
fn what_is_no_text_is_refused() {
    refuses([0xff, 0xfe, b'a', 0], "EL0004");
    refuses(b"aggregateRoot: B\xe4nk\n", "EL0004");
    refuses([0u8; 64], "EL0005");
    refuses(b"aggregateRoot: Bank\0Account\n", "EL0005");
    refuses(b"state:\n\tbalance: decimal\n", "EL0023");
}

#[test]
fn a_file_above_the_limit_is_refused_and_one_at_the_limit_is_read() {
    let mut bytes = b"aggregateRoot: Bank\ndescription: ".to_vec();
    bytes.resize(MAX_BYTES, b'x');
    let (outcome, _) = compile(&bytes);
    assert!(outcome.diagnostics.iter().all(|found| found.code.id != "EL0003"));
    bytes.push(b'x');
    refuses(&bytes, "EL0003");
}

#[test]
fn line_ends_and_byte_order_marks_change_nothing() {
    let plain = String::from_utf8(bank()).expect("text").replace("balance + amount", "balance +");
    let (expected, _) = compile(plain.as_bytes());
    for same in [plain.replace('\n', "\r\n"), format!("\u{feff}{plain}")] {
        let (outcome, report) = compile(same.as_bytes());
        let titles = |outcome: &Outcome| -> Vec<_> {
            outcome.diagnostics.iter().map(|found| (found.code.id, found.title.clone())).collect()
        };
        assert_eq!(titles(&outcome), titles(&expected), "{report}");
    }
}

/// Each of these made some YAML tool take minutes or gigabytes, or overflow its stack.
#[test]
fn bombs_are_refused_quickly() {
    let started = Instant::now();
    let deep =
        |open: &str, close: &str| format!("state: {}{}", open.repeat(5_000), close.repeat(5_000));
    refuses(deep("[", "]"), "EL0017");
    refuses(deep("{a: ", "}"), "EL0017");
    refuses("- ".repeat(10_000), "EL0017");
    refuses(
        (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 400))).collect::<String>(),
        "EL0017",
    );
    let aliases: String = (0..50)
        .map(|n| {
            format!("a{}: &a{} [*a{n},*a{n},*a{n},*a{n},*a{n},*a{n},*a{n},*a{n}]\n", n + 1, n + 1)
        })
        .collect();
    refuses(aliases, "EL0013");
    refuses(format!("a: {}\n", "!".repeat(4_000)), "EL0020");
    refuses(format!("{}: 1\n", "k".repeat(500_000)), "EL0025");
    refuses(format!("{}: 1\n", "k".repeat(900)), "EL0030");
    refuses((0..60_000).map(|n| format!("key{n}: 1\n")).collect::<String>(), "EL0030");
    refuses("a: 1\n".repeat(150_000), "EL0015");
    refuses(format!("state: {{{}}}", "a: (,".repeat(100_000)), "EL0015");
    refuses(format!("state: [{}]", "(,".repeat(100_000)), "EL0035");
    refuses(format!("state: [{}]", "(,) ,".repeat(100_000)), "EL0021");
    refuses(format!("state: [{}]", "!a ,".repeat(200_000)), "EL0011");
    refuses(format!("state: {{a: {}", "x ".repeat(400_000)), "EL0022");
    refuses(format!("state: {{a: {}", "\"".repeat(100_001)), "EL0020");
    refuses(format!("aggregateRoot: {}", "B".repeat(1_000_000)), "EL0103");
    refuses(format!("aggregateRoot: B\nstate:\n  a: {}", "list<".repeat(100_000)), "EL0110");
    refuses(format!("aggregateRoot: B\nstate:\n  a: enum[{}", "A,".repeat(100_000)), "EL0110");
    let rule = |rule: String| {
        let events = "events:\n  A: {version: v1, schema: {}, apply: {s: X}}\n";
        let state = "state: {s: 'enum[X, Y]'}\n";
        format!("aggregateRoot: B\n{state}{events}invariants:\n  - {rule}\n")
    };
    // Rules were read at any length, and each step nested the check one deeper: the stack ran over.
    refuses(rule(format!("s moves {}X", "X -> Y -> ".repeat(20_000))), "EL0201");
    refuses(rule("must be at least ".repeat(30_000)), "EL0201");
    let letters: Vec<String> = ('A'..='Z').map(String::from).collect();
    let moves = letters.iter().map(|from| format!("{from}->{}", letters.join("|")));
    let moves = rule(format!("'s moves {}'", moves.collect::<Vec<_>>().join(",")));
    let moves = moves.replace("X, Y", &letters.join(", "));
    let (outcome, report) = compile(format!("{moves}eventStore: {{partitionKey: b}}\n").as_bytes());
    assert!(!outcome.files.is_empty(), "26 times 26 steps are allowed\n{report}");
    assert!(started.elapsed() < Duration::from_secs(60), "took {:?}", started.elapsed());
}
