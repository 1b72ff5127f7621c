//! Reading an ontology from disk: one file, or the YAML files of a folder, and the lock beside them.
//!
//! Nothing is skipped silently that a user could take for a part of the ontology: every `.yaml` and
//! `.yml` is either text or a finding. Folders inside the folder are not entered.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{FileId, LOCK_FILE, MAX_BYTES, MAX_LOCK_BYTES, SourceFile, Sources, Span};
use crate::catalogue::load::{NO_FILES, NOT_UTF8, TOO_LARGE, UNREADABLE};
use crate::diagnostic::Diagnostic;

/// Who asks, which decides how a path is shown and what helps where there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A build script: cargo runs it in its package's folder, and people see it from the workspace's.
    ByBuildScript,
    /// Somebody who typed the path: it leads to the file from where they are.
    ByHand,
}

impl Sources {
    /// Reads one file, or the `.yaml` and `.yml` files of a folder in the order of their names.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        Self::read_for(path, Asked::ByBuildScript)
    }

    /// Reads as [`read`](Self::read) does, for somebody who typed the path: findings show it so.
    #[must_use]
    pub fn read_as_typed(path: &Path) -> Self {
        Self::read_for(path, Asked::ByHand)
    }

    fn read_for(path: &Path, asked: Asked) -> Self {
        let mut sources = Self::default();
        match fs::metadata(path) {
            Err(error) => sources.refuse_path(path, &error, asked),
            Ok(found) if found.is_dir() => sources.read_folder(path, asked),
            Ok(_) => {
                sources.read_file(path, file_name(path), asked);
                sources.beside = aggregates_beside(path);
            }
        }
        sources.lock = read_lock(&lock_path(path), asked);
        sources
    }

    fn read_folder(&mut self, folder: &Path, asked: Asked) {
        let paths = match yaml_files(folder) {
            Ok(paths) => paths,
            Err(error) => return self.refuse_path(folder, &error, asked),
        };
        if paths.is_empty() {
            return self.refuse_empty(folder, asked);
        }
        let folder_name = file_name(folder);
        for path in paths {
            let name = [folder_name.as_str(), &file_name(&path)].join("/");
            self.read_file(&path, name.trim_start_matches('/').to_owned(), asked);
        }
    }

    fn read_file(&mut self, path: &Path, name: String, asked: Asked) {
        match read_bytes(path, MAX_BYTES) {
            Ok(bytes) => self.add_bytes(shown(path, asked), bytes),
            Err(error) => self.refuse_path(path, &error, asked),
        }
        if let Some(file) = self.files.last_mut() {
            file.name = name;
        }
    }

    /// Adds a file by its bytes, which may be anything.
    pub fn add_bytes(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        let (path, id) = (path.into(), FileId(self.files.len()));
        if bytes.len() > MAX_BYTES {
            let refusal = too_large(&path, id);
            return self.add_refused(path, String::new(), refusal);
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.files.push(SourceFile::new(path, text)),
            Err(error) => {
                let text = match is_utf16(error.as_bytes()) {
                    true => String::new(), // every other character would be shown as a NUL
                    false => String::from_utf8_lossy(error.as_bytes()).into_owned(),
                };
                let refusal = not_utf8(id, error.utf8_error().valid_up_to(), error.as_bytes());
                self.add_refused(path, text, refusal);
            }
        }
    }

    fn add_refused(&mut self, path: String, text: String, refusal: Diagnostic) {
        let mut file = SourceFile::new(path, text);
        file.refused = Some(refusal);
        self.files.push(file);
    }

    fn refuse_path(&mut self, path: &Path, error: &io::Error, asked: Asked) {
        let shown = shown(path, asked);
        let title = format!("cannot read `{shown}`: {error}");
        let refusal = Diagnostic::error(&UNREADABLE, title, self.next_place(), "");
        let missing = error.kind() == io::ErrorKind::NotFound;
        let refusal = match asked {
            Asked::ByBuildScript if missing => refusal.help(
                "the path is taken from the folder of the package's Cargo.toml, \
                 for example `Build::new(\"../ontology\")`",
            ),
            Asked::ByHand if missing => {
                refusal.help("name the ontology's folder or file, for example `ontology`")
            }
            Asked::ByHand => refusal.help("check the path and its permissions"),
            Asked::ByBuildScript => refusal,
        };
        self.add_refused(shown, String::new(), refusal);
    }

    fn refuse_empty(&mut self, folder: &Path, asked: Asked) {
        let shown = shown(folder, asked);
        let title = format!("the folder `{shown}` holds no ontology");
        let refusal = Diagnostic::error(&NO_FILES, title, self.next_place(), "")
            .note("an ontology is a file that ends in .yaml or .yml; folders inside are not read")
            .help("put a file such as `banking-account.yaml` there");
        self.add_refused(shown, String::new(), refusal);
    }

    /// The start of the file that is added next.
    fn next_place(&self) -> Span {
        Span { file: FileId(self.files.len()), start: 0, end: 0 }
    }
}

/// Where the lock of an ontology lies: in its folder, or the folder of its only file.
#[must_use]
pub fn lock_path(ontology: &Path) -> PathBuf {
    match ontology.is_dir() {
        true => ontology.join(LOCK_FILE),
        false => ontology.with_file_name(LOCK_FILE),
    }
}

/// The lock, where there is one: what is there and can't be read must not pass for none.
fn read_lock(path: &Path, asked: Asked) -> Option<SourceFile> {
    let place = Span { file: FileId::LOCK, start: 0, end: 0 };
    let shown = shown(path, asked);
    let refused = |code, title: String, help: &str| {
        let mut file = SourceFile::new(shown.as_str(), "");
        file.refused = Some(Diagnostic::error(code, title, place, "").help(help));
        Some(file)
    };
    let restore = "put back the last good file, for example with `git checkout`";
    match read_bytes(path, MAX_LOCK_BYTES) {
        // A link that leads nowhere is there.
        Err(_) if path.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) => {
            None
        }
        Err(error) => refused(&UNREADABLE, format!("cannot read `{shown}`: {error}"), restore),
        Ok(bytes) if bytes.len() > MAX_LOCK_BYTES => {
            refused(&TOO_LARGE, format!("`{shown}` is larger than 16 MiB"), restore)
        }
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Some(SourceFile::new(shown, text)),
            Err(_) => refused(&NOT_UTF8, format!("`{shown}` is not UTF-8 text"), restore),
        },
    }
}

/// The aggregates that the other files of the folder name: a lock there speaks of them too. They are not
/// compiled, so a line that names one is enough, whatever else their file holds.
fn aggregates_beside(path: &Path) -> Vec<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let others = yaml_files(folder.unwrap_or(Path::new("."))).unwrap_or_default();
    let others = others.iter().filter(|other| other.file_name() != path.file_name());
    let texts =
        others.filter_map(|other| String::from_utf8(read_bytes(other, MAX_BYTES).ok()?).ok());
    let names = texts.flat_map(|text| {
        let names = text.lines().filter_map(|line| {
            let value = line.strip_prefix("aggregateRoot:")?.split(" #").next()?;
            Some(value.trim().trim_matches(['"', '\'']).to_owned())
        });
        names.collect::<Vec<_>>()
    });
    names.collect()
}

fn too_large(path: &str, file: FileId) -> Diagnostic {
    Diagnostic::error(
        &TOO_LARGE,
        format!("`{path}` is larger than 1 MiB"),
        Span { file, start: 0, end: 0 },
        "",
    )
    .note("an ontology is written by people; a larger file is a mistake or an attack")
    .help("split it: types and constants may stand in files of their own in the same folder")
}

fn not_utf8(file: FileId, at: usize, bytes: &[u8]) -> Diagnostic {
    // A byte order mark is not part of the text, so places are counted after it.
    let mark = if bytes.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
    let start = at.saturating_sub(mark);
    let byte = bytes.get(at).copied().unwrap_or_default();
    let finding = Diagnostic::error(
        &NOT_UTF8,
        "the file is not UTF-8 text",
        Span { file, start, end: start + '\u{fffd}'.len_utf8() },
        format!("byte 0x{byte:02x} can't stand here"),
    );
    if is_utf16(bytes) {
        return finding.help("the file looks like UTF-16: save it as UTF-8");
    }
    finding.help("save the file as UTF-8")
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// The ontologies of a folder, by name.
fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_ontology_file(&path) && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a file of this name is a part of an ontology. Hidden ones are editors' leavings.
pub(crate) fn is_ontology_file(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
    is_yaml(path) && !hidden
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or("");
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

/// Reads at most one byte more than is allowed, so that the size is known without reading it all.
fn read_bytes(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The path for people: with `/`, and for a build script without the `..` that leads from its folder to
/// the workspace, from where people run cargo.
fn shown(path: &Path, asked: Asked) -> String {
    let parts: Vec<_> = path
        .components()
        .skip_while(|part| match part {
            Component::CurDir => true,
            Component::ParentDir => asked == Asked::ByBuildScript,
            _ => false,
        })
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    let joined = parts.join("/").replace("//", "/");
    if joined.is_empty() { path.to_string_lossy().into_owned() } else { joined }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
