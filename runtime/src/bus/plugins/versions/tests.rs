//! What is kept, for how long, and what is found of it after a restart.

use super::*;

struct Shelf {
    folder: tempfile::TempDir,
    versions: Arc<Versions>,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let versions = Arc::new(Versions::open(folder.path().join("versions")).unwrap());
        Self { folder, versions }
    }

    fn opened_again(&self) -> Arc<Versions> {
        Arc::new(Versions::open(self.folder.path().join("versions")).unwrap())
    }

    /// Keeps and notes version `number` of a plugin.
    fn activate(&self, name: &str, number: u64) -> Lease {
        let source = source(name, number);
        let lease = self.versions.keep(&source);
        let kept = kept(&source, number);
        self.versions.note(name, Some(Path::new("p.wasm")), &kept, None);
        self.versions.note(name, Some(Path::new("p.wasm")), &kept, Some(ActivationId(number)));
        lease
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path().join("versions")).unwrap().count()
    }
}

fn source(name: &str, number: u64) -> Source {
    let operator = Some(format!("# {number} of {name}"));
    Source::new("p.wasm".into(), format!("{name} {number}").into_bytes(), operator)
}

fn kept(source: &Source, number: u64) -> Kept {
    Kept { content: source.content().clone(), version: format!("{number}.0.0"), activations: Vec::new() }
}

#[test]
fn what_was_activated_is_found_again_with_the_operators_file_that_went_with_it() {
    let shelf = Shelf::new();
    shelf.activate("stock", 1);
    shelf.activate("stock", 2);
    let versions = shelf.opened_again();
    let record = versions.of("stock");
    assert_eq!(record.file.as_deref(), Some(Path::new("p.wasm")));
    for number in 1..=2 {
        let source = source("stock", number);
        let content = &record.of_activation(ActivationId(number), "").unwrap().content;
        assert_eq!(content, source.content());
        let read = versions.read(content, Path::new("p.wasm")).unwrap();
        assert_eq!((read.wasm(), read.operator()), (source.wasm(), source.operator()));
    }
    let second = source("stock", 2).content().digest.clone();
    assert_eq!(record.with_prefix(&second[..8]).len(), 1);
    assert_eq!(record.of_activation(ActivationId(9), &second).unwrap().version, "2.0.0");
    assert_eq!(record.with_prefix("").len(), 2);
}

#[test]
fn the_last_ten_are_kept_and_what_is_in_use() {
    let shelf = Shelf::new();
    let in_use = shelf.activate("stock", 1);
    for number in 2..=30 {
        shelf.activate("stock", number);
    }
    let other = shelf.activate("other", 1);
    let numbers = |record: &Record| -> Vec<String> {
        record.versions.iter().map(|kept| kept.version.clone()).collect()
    };
    let last: Vec<String> = (22..=30).map(|number| format!("{number}.0.0")).collect();
    assert_eq!(numbers(&shelf.versions.of("stock")), [vec!["1.0.0".to_owned()], last].concat());
    // Ten of `stock` and one of `other`, two files each, and two records.
    assert_eq!(shelf.files(), 24);
    drop((in_use, other));
    shelf.activate("stock", 31);
    assert!(!numbers(&shelf.versions.of("stock")).contains(&"1.0.0".to_owned()), "nobody needs it now");
    assert_eq!(shelf.files(), 24);
}

#[test]
fn what_is_loaded_and_not_yet_noted_is_not_swept() {
    let shelf = Shelf::new();
    let loaded = shelf.versions.keep(&source("stock", 7));
    shelf.activate("other", 1);
    assert!(shelf.versions.read(loaded.content(), Path::new("p.wasm")).is_ok());
    drop(loaded);
    shelf.activate("other", 2);
    assert!(shelf.versions.read(source("stock", 7).content(), Path::new("p.wasm")).is_err());
}

#[test]
fn a_plugin_that_is_forgotten_leaves_nothing() {
    let shelf = Shelf::new();
    shelf.activate("stock", 1);
    shelf.activate("other", 1);
    shelf.versions.forget("stock");
    // One record and two files.
    assert_eq!(shelf.files(), 3);
    assert_eq!(shelf.opened_again().of("stock"), Record::default());
}

#[test]
fn a_damaged_copy_is_noticed() {
    let shelf = Shelf::new();
    let lease = shelf.activate("stock", 1);
    fs::write(shelf.versions.wasm(lease.content()), "something else").unwrap();
    let error = shelf.versions.read(lease.content(), Path::new("p.wasm")).unwrap_err();
    assert_eq!(error.to_string(), "the copy is damaged");
}

#[test]
fn a_damaged_record_costs_its_plugin_the_way_back_and_nothing_else() {
    let shelf = Shelf::new();
    shelf.activate("stock", 1);
    shelf.activate("other", 1);
    fs::write(shelf.folder.path().join("versions/stock.json"), "{").unwrap();
    let versions = shelf.opened_again();
    assert_eq!((versions.of("stock").versions.len(), versions.of("other").versions.len()), (0, 1));
}
