//! EL00xx: reading files, YAML, keys and limits.

super::codes! {
    UNREADABLE = "EL0001" {
        what: "A file or folder can't be read.",
        why: "The build needs the whole ontology; a part that is missing would change what is generated.",
        example: "Build::new(\"../ontolgy\")",
        fix: "Check the path, which is taken from the folder of the package's Cargo.toml, and the permissions.",
    }
    NO_FILES = "EL0002" {
        what: "The folder holds no ontology.",
        why: "A build from nothing would succeed and generate nothing.",
        example: "Build::new(\"../empty-folder\")",
        fix: "Put a file that ends in .yaml or .yml into the folder, or name the right folder.",
    }
    TOO_LARGE = "EL0003" {
        what: "A file is larger than 1 MiB.",
        why: "An ontology is written by people; the limit keeps a mistake or an attack from stalling the build.",
        example: "a file of 1,048,577 bytes",
        fix: "Split the file: types and constants may stand in files of their own.",
    }
    NOT_UTF8 = "EL0004" {
        what: "A file is not UTF-8 text.",
        why: "Names and texts would be read as something else than was written.",
        example: "a file saved as Latin-1 or UTF-16",
        fix: "Save the file as UTF-8.",
    }
}
