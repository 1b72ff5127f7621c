//! The lines of the documents that say what to type at this bank, typed in their order.

use std::path::Path;

use crate::bank::Bank;

#[test]
fn the_commands_of_the_readme_do_what_they_say() {
    let bank = Bank::new();
    bank.write("movements.csv", block("README.md", "csv"));
    let commands = commands("README.md");
    assert!(commands.len() >= 10, "{commands:?}");
    for command in &commands {
        bank.run(command.split(' ').skip(1)).succeeded();
    }
    assert_eq!(bank.json(["balance", "A1"])["balance"], "1300");
    let imported = bank.json(["import", "movements.csv"]);
    assert_eq!((&imported["applied"], &imported["refused"]), (&2.into(), &1.into()));
}

/// The lines that begin with `bank`, in blocks of shell commands.
fn commands(document: &str) -> Vec<String> {
    let text = read(document);
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("bank "));
    lines.map(ToOwned::to_owned).collect()
}

fn block(document: &str, language: &str) -> String {
    let text = read(document);
    let rest = text.split_once(&format!("```{language}\n")).expect("such a block").1;
    rest.split("```").next().expect("its end").to_owned()
}

fn read(document: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    std::fs::read_to_string(root.join(document)).expect(document)
}
