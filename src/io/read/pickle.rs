//! The masks of Cellpose's `_seg.npy`, a pickle of a dictionary with NumPy arrays. What a pickle
//! would import or call is only noted down: nothing is executed, and the elements of arrays are
//! passed over.

use std::collections::HashMap;
use std::io::{BufReader, Read, Seek};

/// Longest text that is kept, in bytes; keys and names are shorter.
const TEXT_BYTES: u64 = 1 << 12;

/// Most objects that are looked at: a list of every pixel is none of Cellpose's.
const MOST_OBJECTS: usize = 1 << 22;

/// An array in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PickledArray {
    /// Type of an element, as in the header of a .npy file.
    pub descr: String,
    pub fortran_order: bool,
    pub sizes: Vec<usize>,
    /// Position of the elements.
    pub start: u64,
    /// Position behind them.
    pub end: u64,
}

/// The array `masks` of the dictionary that is pickled at the file's position; `None` where there
/// is none, or the pickle has instructions that no such file has.
pub(super) fn masks(file: impl Read + Seek) -> Option<PickledArray> {
    let mut machine = Machine {
        input: BufReader::new(file),
        objects: Vec::new(),
        stack: Vec::new(),
        memo: HashMap::new(),
    };
    // NumPy saves a dictionary as an array of one element.
    let root = machine.run()?;
    let state = machine.items(*machine.items(root)?.get(2)?)?;
    let elements = machine.items(*state.get(4)?)?;
    let (entries, _) = machine.items(*elements.first()?)?.as_chunks::<2>();
    let mut entries = entries.iter().rev();
    let [_, array] = entries.find(|[key, _]| machine.text(*key) == Some("masks"))?;
    machine.array(*array)
}

/// Index of an object.
type Id = usize;

enum Object {
    /// Where a tuple or the like begins on the stack.
    Checkpoint,
    /// A whole number, or a truth value.
    Number(u64),
    /// Text, or the name of something that would be imported.
    Text(String),
    /// Position of bytes, and behind them.
    Bytes(u64, u64),
    /// A tuple or list; keys and values of a dictionary; of a call what is called, its arguments
    /// and the state that its result would be given.
    Items(Vec<Id>),
    /// What does not matter.
    Other,
}

struct Machine<R: Read> {
    input: BufReader<R>,
    objects: Vec<Object>,
    stack: Vec<Id>,
    memo: HashMap<u64, Id>,
}

impl<R: Read + Seek> Machine<R> {
    /// Follows the instructions to their end; returns what is left.
    fn run(&mut self) -> Option<Id> {
        while self.objects.len() < MOST_OBJECTS {
            let instruction = self.number(1)? as u8;
            match instruction {
                b'.' => return self.stack.pop(),
                // Protocol and frames.
                0x80 => self.skip(1)?,
                0x95 => self.skip(8)?,
                b'(' => self.push(Object::Checkpoint),
                b'N' => self.push(Object::Other),
                0x88 => self.push(Object::Number(1)),
                0x89 => self.push(Object::Number(0)),
                b'K' => self.push_number(1)?,
                b'M' => self.push_number(2)?,
                b'J' => self.push_number(4)?,
                0x8a => {
                    let bytes = self.number(1)?;
                    self.push_other(bytes)?;
                }
                b'G' => self.push_other(8)?,
                0x8c => self.push_text(1)?,
                b'X' => self.push_text(4)?,
                0x8d => self.push_text(8)?,
                b'C' => self.push_bytes(1)?,
                b'B' => self.push_bytes(4)?,
                0x8e => self.push_bytes(8)?,
                b')' | b']' | b'}' => self.push(Object::Items(Vec::new())),
                b't' => {
                    let items = self.since_mark()?;
                    self.push(Object::Items(items));
                }
                0x85..=0x87 => self.gather(usize::from(instruction - 0x84))?,
                // A call, and the making of an object, with its arguments.
                b'R' | 0x81 => self.gather(2)?,
                // What is put into a list or dictionary, and the state of an object.
                b'a' | b'b' => self.append(1)?,
                b's' => self.append(2)?,
                b'e' | b'u' => {
                    let items = self.since_mark()?;
                    self.extend(items)?;
                }
                b'c' => {
                    let name = format!("{}.{}", self.line()?, self.line()?);
                    self.push(Object::Text(name));
                }
                0x93 => {
                    let (name, module) = (self.stack.pop()?, self.stack.pop()?);
                    let name = format!("{}.{}", self.text(module)?, self.text(name)?);
                    self.push(Object::Text(name));
                }
                b'q' | b'r' => {
                    let place = self.number(if instruction == b'q' { 1 } else { 4 })?;
                    self.memo.insert(place, *self.stack.last()?);
                }
                0x94 => {
                    let place = self.memo.len() as u64;
                    self.memo.insert(place, *self.stack.last()?);
                }
                b'h' | b'j' => {
                    let place = self.number(if instruction == b'h' { 1 } else { 4 })?;
                    self.stack.push(*self.memo.get(&place)?);
                }
                _ => return None,
            }
        }
        None
    }

    /// An array as NumPy takes it apart.
    fn array(&self, id: Id) -> Option<PickledArray> {
        let [function, _, state] = *self.items(id)?.as_array()?;
        let [_, sizes, descr, order, place] = *self.items(state)?.as_array()?;
        let (Object::Number(order), &Object::Bytes(start, end)) =
            (self.objects.get(order)?, self.objects.get(place)?)
        else {
            return None;
        };
        let is_array = self.text(function)?.ends_with(".multiarray._reconstruct");
        let size = |size: &Id| match self.objects.get(*size) {
            Some(Object::Number(size)) => usize::try_from(*size).ok(),
            _ => None,
        };
        let sizes: Option<_> = self.items(sizes)?.iter().map(size).collect();
        is_array.then_some(PickledArray {
            descr: self.descr(descr)?,
            fortran_order: *order == 1,
            sizes: sizes?,
            start,
            end,
        })
    }

    /// The type of an array's elements: its order, from its state, and its letters.
    fn descr(&self, id: Id) -> Option<String> {
        let [function, arguments, state] = *self.items(id)?.as_array()?;
        let letters = self.text(*self.items(arguments)?.first()?)?;
        let order = self.text(*self.items(state)?.get(1)?)?;
        (self.text(function)? == "numpy.dtype").then(|| format!("{order}{letters}"))
    }

    fn items(&self, id: Id) -> Option<&[Id]> {
        match self.objects.get(id)? {
            Object::Items(items) => Some(items),
            _ => None,
        }
    }

    fn text(&self, id: Id) -> Option<&str> {
        match self.objects.get(id)? {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    fn push_number(&mut self, bytes: usize) -> Option<()> {
        let number = self.number(bytes)?;
        self.push(Object::Number(number));
        Some(())
    }

    fn push_other(&mut self, bytes: u64) -> Option<()> {
        self.skip(bytes)?;
        self.push(Object::Other);
        Some(())
    }

    /// Text behind its length, which has so many bytes.
    fn push_text(&mut self, bytes: usize) -> Option<()> {
        let length = self.number(bytes)?;
        if length > TEXT_BYTES {
            return self.push_other(length);
        }
        let mut text = vec![0; length as usize];
        self.input.read_exact(&mut text).ok()?;
        self.push(Object::Text(String::from_utf8(text).ok()?));
        Some(())
    }

    fn push_bytes(&mut self, bytes: usize) -> Option<()> {
        let length = self.number(bytes)?;
        let start = self.input.stream_position().ok()?;
        self.skip(length)?;
        self.push(Object::Bytes(start, start.checked_add(length)?));
        Some(())
    }

    /// Joins the topmost of the stack.
    fn gather(&mut self, count: usize) -> Option<()> {
        let first = self.stack.len().checked_sub(count)?;
        let items = self.stack.split_off(first);
        self.push(Object::Items(items));
        Some(())
    }

    /// Puts the topmost of the stack into what lies below them.
    fn append(&mut self, count: usize) -> Option<()> {
        let first = self.stack.len().checked_sub(count)?;
        let items = self.stack.split_off(first);
        self.extend(items)
    }

    fn extend(&mut self, more: Vec<Id>) -> Option<()> {
        if let Object::Items(items) = self.objects.get_mut(*self.stack.last()?)? {
            items.extend(more);
        }
        Some(())
    }

    /// Takes what was put on the stack since the last mark, and the mark.
    fn since_mark(&mut self) -> Option<Vec<Id>> {
        let is_mark = |&id: &Id| matches!(self.objects.get(id), Some(Object::Checkpoint));
        let mark = self.stack.iter().rposition(is_mark)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Some(items)
    }

    /// A whole number of so many bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        let mut number = [0; 8];
        self.input.read_exact(number.get_mut(..bytes)?).ok()?;
        Some(u64::from_le_bytes(number))
    }

    fn skip(&mut self, bytes: u64) -> Option<()> {
        self.input.seek_relative(i64::try_from(bytes).ok()?).ok()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        while line.len() < TEXT_BYTES as usize {
            match self.number(1)? as u8 {
                b'\n' => return String::from_utf8(line).ok(),
                byte => line.push(byte),
            }
        }
        None
    }
}
