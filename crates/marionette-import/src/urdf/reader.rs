//! Values of the elements of a URDF file.

use crate::ImportError;
use roxmltree::{Document, Node};
use std::{cell::RefCell, path::Path};

/// Reads elements of one file; errors name file and line.
pub struct Reader<'a> {
    pub path: &'a Path,
    pub document: &'a Document<'a>,
    /// What was read otherwise than it is written.
    pub notes: RefCell<Vec<String>>,
}

/// Text in which `$(optenv NAME VALUE)`, which xacro leaves to the environment, is its value.
fn without_variables(text: &str) -> String {
    let Some(start) = text.find("$(optenv ") else { return text.to_owned() };
    let Some(length) = text[start..].find(')') else { return text.to_owned() };
    let inner = &text[start + "$(optenv ".len()..start + length];
    let value = inner.trim().split_once(char::is_whitespace).map_or("", |(_, value)| value);
    format!("{}{value}{}", &text[..start], &text[start + length + 1..])
}

pub fn elements<'a>(parent: Node<'a, 'a>, name: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    parent.children().filter(move |node| node.has_tag_name(name))
}

pub fn element<'a>(parent: Node<'a, 'a>, name: &'a str) -> Option<Node<'a, 'a>> {
    elements(parent, name).next()
}

impl<'a> Reader<'a> {
    pub fn line(&self, node: Node) -> usize {
        self.document.text_pos_at(node.range().start).row as usize
    }

    pub fn fail(&self, node: Node, message: impl Into<String>) -> ImportError {
        ImportError::file(self.path, Some(self.line(node)), message)
    }

    pub fn text(&self, node: Node<'a, 'a>, key: &str) -> Result<&'a str, ImportError> {
        let name = node.tag_name().name();
        node.attribute(key).ok_or_else(|| self.fail(node, format!("<{name}> has no {key}=\"...\"")))
    }

    pub fn numbers<const N: usize>(
        &self,
        node: Node<'a, 'a>,
        key: &str,
    ) -> Result<Option<[f32; N]>, ImportError> {
        let Some(written) = node.attribute(key) else { return Ok(None) };
        let text = without_variables(written);
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
        // Some programs write a point after the last digit of a number that has one already.
        let number = |word: &str| word.parse().or_else(|_| word.trim_end_matches('.').parse()).ok();
        let numbers: Option<Vec<f32>> = words.map(number).collect();
        let numbers = numbers.filter(|numbers| numbers.iter().all(|number| number.is_finite()));
        if let Some(first) = numbers.and_then(|numbers| numbers.get(..N)?.try_into().ok()) {
            if text.split_whitespace().count() > N {
                self.note(
                    node,
                    &format!("{key}=\"{text}\" has more than {N} numbers; the first count"),
                );
            }
            return Ok(Some(first));
        }
        let name = node.tag_name().name();
        let wanted = if N == 1 { "a number".to_owned() } else { format!("{N} numbers") };
        let message = format!("<{name}> has {key}=\"{written}\"; give {wanted}");
        Err(self.fail(node, message))
    }

    pub fn note(&self, node: Node, found: &str) {
        self.notes.borrow_mut().push(format!("Line {}: {found}.", self.line(node)));
    }

    pub fn number(&self, node: Node<'a, 'a>, key: &str) -> Result<Option<f32>, ImportError> {
        Ok(self.numbers::<1>(node, key)?.map(|[number]| number))
    }

    /// A length or a radius, which is not below 0.
    pub fn length(&self, node: Node<'a, 'a>, key: &str) -> Result<f32, ImportError> {
        self.text(node, key)?;
        let length = self.number(node, key)?.unwrap_or(0.0);
        if length >= 0.0 {
            return Ok(length);
        }
        let name = node.tag_name().name();
        Err(self.fail(node, format!("<{name}> has {key}=\"{length}\"; give 0 or more")))
    }
}
