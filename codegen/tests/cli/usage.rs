//! What all commands have in common: help, wrong arguments.

use crate::Folder;

const COMMANDS: [&str; 8] =
    ["check", "explain", "generate", "expand", "schema", "lock", "diff", "new"];

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::new(&[]);
    let said = folder.run(["--help"]);
    assert_eq!(said.code, Some(0));
    for command in COMMANDS {
        assert!(said.out.contains(&format!("\n  {command} ")), "{}", said.out);
        let help = folder.run([command, "--help"]);
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
        let example = format!("Example:\n  eventloom {command} ");
        assert!(help.out.contains(&example), "{}", help.out);
        assert!(!help.out.contains('\u{1b}'), "{}", help.out);
    }
    let commands = said.out.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = commands.take_while(|line| !line.is_empty()).count();
    assert_eq!(listed, COMMANDS.len() + 1, "a command is missing from this test:\n{}", said.out);
}

#[test]
fn wrong_arguments_are_told_on_standard_error() {
    let folder = Folder::new(&[]);
    for arguments in [
        &[][..],
        &["chekc"],
        &["check", "--format", "xml"],
        &["check", "a", "b"],
        &["explain"],
        &["generate"],
        &["new"],
    ] {
        let said = folder.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains("--help"), "{}", said.err);
    }
}

#[test]
fn a_version_is_told() {
    let said = Folder::new(&[]).run(["--version"]);
    assert_eq!(said.out, format!("eventloom {}\n", env!("CARGO_PKG_VERSION")));
}
