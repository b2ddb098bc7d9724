//! The language: what expressions may use, how they are compiled, and what is wrong with those that cannot
//! be.
//!
//! It is jq as jaq has it, without what would need a machine around it.

use std::fmt::Display;

use jaq_core::{
    Compiler, Ctx, Filter, Vars,
    compile::Undefined,
    data::JustLut,
    load::{self, Arena, File, Loader, lex, parse},
    native::Fun,
};
use jaq_json::Val;

type Data = JustLut<Val>;

/// Functions and definitions that need a clock, an environment, a time zone, an output or a process to end.
const LEFT_OUT: [&str; 11] = [
    "now",
    "env",
    "localtime",
    "strflocaltime",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "halt",
    "halt_error",
    "input_line_number",
];

/// What an expression was compiled to.
pub struct Program(Filter<Data>);

impl Program {
    /// Compiles `text`; what is wrong with it, and where.
    pub fn compile(text: &str) -> Result<Self, String> {
        let arena = Arena::default();
        let file = File { code: text, path: () };
        let modules =
            Loader::new(definitions()).load(&arena, file).map_err(|errors| unreadable(text, errors))?;
        load::import(&modules, |_| Err("there are no files to import".to_owned()))
            .map_err(|errors| unreadable(text, errors))?;
        let compiled = Compiler::default().with_funs(functions()).compile(modules);
        compiled.map(Self).map_err(|errors| {
            let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
            first.map_or_else(String::new, |(name, what)| undefined(text, name, &what))
        })
    }

    /// The values that it gives for `input`, up to the first error.
    pub fn run(&self, input: Val) -> impl Iterator<Item = Result<Val, String>> {
        let context = Ctx::<Data>::new(&self.0.lut, Vars::new([]));
        self.0.id.run((context, input)).map(|output| {
            output.map_err(|end| match end.get_err().map(jaq_core::Error::into_val) {
                // The author's own words, by `error("…")`, or jaq's.
                Ok(Val::TStr(words)) => String::from_utf8_lossy(&words).into_owned(),
                Ok(value) => value.to_string(),
                Err(_) => "it ended early".to_owned(),
            })
        })
    }
}

fn definitions() -> impl Iterator<Item = parse::Def<&'static str>> {
    let all = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    all.filter(|definition| !LEFT_OUT.contains(&definition.name))
}

fn functions() -> impl Iterator<Item = Fun<Data>> {
    let all = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    all.filter(|(name, ..)| !LEFT_OUT.contains(name))
}

/// What is wrong with a text that is no expression.
fn unreadable(text: &str, errors: load::Errors<&str, ()>) -> String {
    let unexpected = |part: &str, expected: &str| match part.chars().next() {
        None => format!("it ends too early; expected a {expected}"),
        Some(_) => {
            let word = part.split_whitespace().next().unwrap_or(part);
            format!("`{word}` {}is unexpected; expected a {expected}", place(text, part))
        }
    };
    let first = errors.into_iter().next().map(|(_, error)| error);
    let mistake = match first {
        Some(load::Error::Io(errors)) => errors.into_iter().next().map(|(_, error)| error),
        Some(load::Error::Lex(errors)) => errors.into_iter().next().map(|(expected, part)| match expected {
            lex::Expect::Delim(open) => format!("`{open}` {}is not closed", place(text, open)),
            expected => unexpected(part, expected.as_str()),
        }),
        Some(load::Error::Parse(errors)) => {
            errors.into_iter().next().map(|(expected, part)| unexpected(part, expected.as_str()))
        }
        None => None,
    };
    mistake.unwrap_or_default()
}

fn undefined(text: &str, name: &str, what: &Undefined) -> String {
    let place = place(text, name);
    match what {
        Undefined::Filter(arguments) => {
            let alone = if is_left_out(name) { " (an expression can only read the event)" } else { "" };
            let count = match arguments {
                0 => String::new(),
                1 => " with 1 argument".to_owned(),
                more => format!(" with {more} arguments"),
            };
            format!("`{name}`{count} {place}is not defined{alone}")
        }
        other => format!("the {} `{name}` {place}is not defined", other.as_str()),
    }
}

/// What people know of jq and will not find.
fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name) || matches!(name, "input" | "inputs" | "input_filename" | "get_search_list")
}

/// Where `part` stands in the text that it is a part of, with a space behind it.
fn place(text: &str, part: &str) -> impl Display + use<> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr());
    let Some(before) = start.and_then(|start| text.get(..start)) else { return String::new() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    match text.trim_end().contains('\n') {
        true => format!("at line {line}, column {column} "),
        false => format!("at column {column} "),
    }
}
