//! `eventloom explain`: what stands behind a code, from the catalogue.

use clap::Args;
use serde_json::{Value, json};

use super::failure::Failure;
use super::screen::{STRONG, Screen};
use super::{Found, TextOrJson};
use crate::catalogue::{self, Code};
use crate::suggest::nearest;

const EXAMPLE: &str = "\
Example:
  eventloom explain EL0206
  eventloom explain --list";

/// Explain the code of a mistake: what it is, why it is one, an example, and the way out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Explain {
    /// The code, as it stands behind `error`
    #[arg(value_name = "CODE", required_unless_present = "list")]
    code: Option<String>,

    /// All codes, each with what it says
    #[arg(long, conflicts_with = "code")]
    list: bool,

    /// How it is told
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
}

impl Explain {
    pub(super) fn run(self, screen: &mut Screen) -> Result<Found, Failure> {
        match (&self.code, self.format) {
            (None, TextOrJson::Text) => list(screen)?,
            (None, TextOrJson::Json) => {
                let codes: Vec<Value> = sorted().into_iter().map(as_json).collect();
                screen.line(&json!({"version": 1, "codes": codes}).to_string())?;
            }
            (Some(asked), TextOrJson::Text) => screen.text(&as_text(find(asked)?))?,
            (Some(asked), TextOrJson::Json) => {
                let mut told = as_json(find(asked)?);
                told["version"] = json!(1);
                screen.line(&told.to_string())?;
            }
        }
        Ok(Found::Nothing)
    }
}

fn find(asked: &str) -> Result<&'static Code, Failure> {
    let found = catalogue::find(asked).or_else(|| {
        let digits = asked.trim().bytes().all(|byte| byte.is_ascii_digit());
        catalogue::find(&format!("EL{:0>4}", asked.trim())).filter(|_| digits)
    });
    found.ok_or_else(|| {
        let upper = asked.trim().to_uppercase();
        let help = match nearest(&upper, catalogue::all().map(|code| code.id)) {
            Some(code) => format!("did you mean {code}? `eventloom explain --list` lists all"),
            None => "`eventloom explain --list` lists all codes".to_owned(),
        };
        Failure::usage(format!("there is no code `{asked}`"), help)
    })
}

/// Every code in the order of its number.
fn sorted() -> Vec<&'static Code> {
    let mut codes: Vec<_> = catalogue::all().collect();
    codes.sort_by_key(|code| code.id);
    codes
}

fn list(screen: &mut Screen) -> Result<(), Failure> {
    for code in sorted() {
        screen.line(&format!("{STRONG}{}{STRONG:#}  {}", code.id, code.what))?;
    }
    Ok(())
}

fn as_text(code: &Code) -> String {
    let example: String = code
        .example
        .lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect();
    format!(
        "{STRONG}{}{STRONG:#}: {}\n\n{}\n\n{STRONG}For example{STRONG:#}\n\n{example}\n\
         {STRONG}What to do{STRONG:#}\n\n{}\n",
        code.id, code.what, code.why, code.fix
    )
}

fn as_json(code: &Code) -> Value {
    json!({
        "code": code.id,
        "what": code.what,
        "why": code.why,
        "example": code.example,
        "fix": code.fix,
    })
}
