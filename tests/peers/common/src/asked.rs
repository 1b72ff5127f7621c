//! What a program's arguments ask for.

use std::process::exit;

/// Callers at one time, where nothing else is asked for.
const CALLERS: [usize; 3] = [1, 32, 256];

/// Sections, all if none is named, and numbers of callers.
pub struct Asked {
    sections: Vec<String>,
    callers: Vec<usize>,
}

impl Asked {
    /// Reads the arguments, of which the sections are known. Prints the help where it is asked for, or where nobody knows
    /// what is meant, and ends the program.
    pub fn read(help: &str, known: &[&str]) -> Self {
        let mut asked = Self { sections: Vec::new(), callers: Vec::new() };
        for word in std::env::args().skip(1) {
            match word.parse() {
                Ok(callers @ 1..) => asked.callers.push(callers),
                _ if known.contains(&word.as_str()) => asked.sections.push(word),
                _ if ["--help", "-h"].contains(&word.as_str()) => {
                    println!("{}", help.trim());
                    exit(0);
                }
                _ => {
                    eprintln!("nobody knows what `{word}` is\n\n{}", help.trim());
                    exit(2);
                }
            }
        }
        asked
    }

    pub fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|word| word == section)
    }

    pub fn callers(&self) -> &[usize] {
        if self.callers.is_empty() { &CALLERS } else { &self.callers }
    }
}
