//! The demo: what a newcomer sees first.

use crate::bank::Bank;

#[test]
fn the_demo_tells_its_story_and_leaves_nothing_behind() {
    let bank = Bank::new();
    let told = bank.run::<&str>([]).succeeded();
    assert_eq!(told.stdout, include_str!("demo.txt"));
    assert_eq!(told.stderr, "");
    assert_eq!(std::fs::read_dir(bank.path(".")).expect("the folder").count(), 0);
}

#[test]
fn the_demo_is_the_default() {
    let bank = Bank::new();
    assert_eq!(bank.run(["demo"]).succeeded().stdout, bank.run::<&str>([]).succeeded().stdout);
}

#[test]
fn the_demo_answers_programs_too() {
    let story = Bank::new().json(["demo"]);
    assert_eq!(story["refused"]["error"], "InsufficientFunds");
    assert_eq!(story["duplicate"]["appended"], 0);
    assert_eq!(story["view"]["balance"], "1300");
    assert_eq!(story["view"]["version"], 3);
}
