//! Formats that are not read, by how their files start, and the line that converts them.

/// A format that is not read.
struct Foreign {
    /// How its files start, and where.
    magic: (&'static [u8], usize),
    /// What a file is.
    name: &'static str,
    /// What makes a volume of it.
    way: &'static str,
}

const FIJI: &str = "open it in Fiji and save it as TIFF";

#[rustfmt::skip]
static FORMATS: &[Foreign] = &[
    Foreign { magic: (b"n+1\0", 344), name: "a NIfTI file", way: "python -c \"import nibabel, numpy; numpy.save('labels.npy', numpy.asarray(nibabel.load('FILE').dataobj).T)\"" },
    Foreign { magic: (b"\x1f\x8b", 0), name: "a file compressed by gzip", way: "gunzip FILE, then convert what is in it (NIfTI: nibabel, numpy.save)" },
    Foreign { magic: (b"NRRD", 0), name: "an NRRD file", way: "python -c \"import nrrd, numpy; numpy.save('labels.npy', nrrd.read('FILE')[0].T)\"" },
    Foreign { magic: (b"ObjectType", 0), name: "a MetaImage header", way: "python -c \"import SimpleITK as s, numpy; numpy.save('labels.npy', s.GetArrayFromImage(s.ReadImage('FILE')))\"" },
    Foreign { magic: (b"MAP ", 208), name: "an MRC file", way: "python -c \"import mrcfile, numpy; numpy.save('labels.npy', mrcfile.read('FILE'))\"" },
    Foreign { magic: (b"MATLAB 5.0", 0), name: "a MATLAB file", way: "python -c \"import scipy.io, numpy; numpy.save('labels.npy', scipy.io.loadmat('FILE')['VARIABLE'].transpose(2, 0, 1))\"" },
    Foreign { magic: (b"# AmiraMesh", 0), name: "an Amira mesh", way: FIJI },
    Foreign { magic: (b"# Avizo", 0), name: "an Avizo file", way: FIJI },
    Foreign { magic: (b"ZISRAWFILE", 0), name: "a Zeiss CZI file", way: "open it in Fiji (Bio-Formats) and save it as TIFF" },
    Foreign { magic: (b"\x70\0\0\0", 0), name: "a Leica LIF file", way: "open it in Fiji (Bio-Formats) and save it as TIFF" },
    Foreign { magic: (b"\xda\xce\xbe\x0a", 0), name: "a Nikon ND2 file", way: "python -c \"import nd2, numpy; numpy.save('labels.npy', nd2.imread('FILE'))\"" },
    Foreign { magic: (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0), name: "an Olympus OIB or other OLE file", way: "open it in Fiji (Bio-Formats) and save it as TIFF" },
    Foreign { magic: (b"DICM", 128), name: "a DICOM file", way: FIJI },
    Foreign { magic: (b"\xff\xd8\xff", 0), name: "a JPEG image, whose compression changes ids", way: "save the labels anew as TIFF or PNG" },
    Foreign { magic: (b"GIF8", 0), name: "a GIF", way: FIJI },
    Foreign { magic: (b"7z\xbc\xaf\x27\x1c", 0), name: "a 7z archive", way: "unpack it" },
    Foreign { magic: (b"Rar!", 0), name: "a RAR archive", way: "unpack it" },
];

/// What a file is that starts so, and what makes a volume of it; both are phrases.
pub(super) fn recognise(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let is = |format: &&Foreign| {
        let (magic, at) = format.magic;
        head.get(at..).is_some_and(|rest| rest.starts_with(magic))
    };
    let format = FORMATS.iter().find(is)?;
    Some((format.name, format.way))
}
