//! Parameter blocks and constants, declared in Rust and printed for WGSL.

use crate::engine::rng::{StreamKey, TableRef};
use std::fmt::{Display, Formatter, Result};

/// A type that a parameter block may hold.
pub trait Parameter: bytemuck::Pod {
    /// Its WGSL type.
    const WGSL: &'static str;
    /// Alignment of that type in bytes.
    const ALIGN: usize;
}

impl Parameter for u32 {
    const WGSL: &'static str = "u32";
    const ALIGN: usize = 4;
}

impl Parameter for f32 {
    const WGSL: &'static str = "f32";
    const ALIGN: usize = 4;
}

impl Parameter for StreamKey {
    const WGSL: &'static str = "vec2<u32>";
    const ALIGN: usize = 8;
}

impl Parameter for TableRef {
    const WGSL: &'static str = "vec2<u32>";
    const ALIGN: usize = 8;
}

/// A member of a parameter block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its WGSL type.
    pub kind: &'static str,
    /// Its place in the block, in bytes.
    pub offset: usize,
}

/// Name, members and size of a parameter block. It prints as the WGSL struct.
#[derive(Clone, Copy, Debug)]
pub struct ParamsLayout {
    /// Name of the struct.
    pub name: &'static str,
    /// Members in order.
    pub fields: &'static [Field],
    /// Size in bytes.
    pub size: usize,
}

impl Display for ParamsLayout {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "struct {} {{", self.name)?;
        for field in self.fields {
            writeln!(out, "    {}: {},", field.name, field.kind)?;
        }
        writeln!(out, "}}")
    }
}

/// A block of parameters handed to a kernel; declared by the macro `kernel_params`.
pub trait KernelParams: bytemuck::Pod {
    /// Its layout.
    const LAYOUT: ParamsLayout;
}

/// Declares a parameter block: a `repr(C)` struct of [`Parameter`]s that knows its own members.
/// Where Rust and WGSL would lay it out differently it does not compile: pairs of words belong on
/// multiples of 8 bytes.
macro_rules! kernel_params {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name { $($(#[$field_meta])* pub $field: $kind),* }
        impl $crate::engine::compute::KernelParams for $name {
            const LAYOUT: $crate::engine::compute::ParamsLayout =
                $crate::engine::compute::ParamsLayout {
                    name: stringify!($name),
                    fields: &[$($crate::engine::compute::Field {
                        name: stringify!($field),
                        kind: <$kind as $crate::engine::compute::Parameter>::WGSL,
                        offset: std::mem::offset_of!($name, $field),
                    }),*],
                    size: std::mem::size_of::<$name>(),
                };
        }
        $(const _: () = {
            const ALIGN: usize = <$kind as $crate::engine::compute::Parameter>::ALIGN;
            assert!(
                std::mem::offset_of!($name, $field).is_multiple_of(ALIGN)
                    && std::mem::size_of::<$name>().is_multiple_of(ALIGN),
                concat!(stringify!($name), " lies differently in WGSL: move ", stringify!($field)),
            );
        };)*
    };
}
pub(crate) use kernel_params;

/// A number that WGSL knows by a name. It prints as the declaration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    name: &'static str,
    value: Number,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    U32(u32),
    F32(f32),
}

impl Constant {
    /// A whole number.
    pub const fn u32(name: &'static str, value: u32) -> Self {
        let value = Number::U32(value);
        Self { name, value }
    }

    /// A finite number.
    pub const fn f32(name: &'static str, value: f32) -> Self {
        let value = Number::F32(value);
        Self { name, value }
    }
}

impl Display for Constant {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let name = self.name;
        match self.value {
            Number::U32(value) => writeln!(out, "const {name}: u32 = {value}u;"),
            // All digits of the f32: it is read back to the bit.
            Number::F32(value) => writeln!(out, "const {name}: f32 = {:?}f;", f64::from(value)),
        }
    }
}

/// Constants of Rust, for WGSL under the same names: `constants![BLOCK: u32, MOST: f32]`.
macro_rules! constants {
    ($($name:ident: $kind:ident),* $(,)?) => {
        &[$($crate::engine::compute::Constant::$kind(stringify!($name), $name as $kind)),*]
    };
}
pub(crate) use constants;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_printed_to_the_bit() {
        let most = Constant::f32("MOST", 4_294_967_040.0);
        assert_eq!(most.to_string(), "const MOST: f32 = 4294967040.0f;\n");
        let third = Constant::f32("THIRD", 1.0 / 3.0).to_string();
        let digits = third.split(['=', 'f']).nth(2).expect("a number");
        assert_eq!(digits.trim().parse(), Ok(1.0f32 / 3.0));
        let block = Constant::u32("BLOCK", 8);
        assert_eq!(block.to_string(), "const BLOCK: u32 = 8u;\n");
    }
}
