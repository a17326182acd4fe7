use std::collections::BTreeSet;

const FOLDER: u32 = 0o40_755;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_777;
const CHARACTER_DEVICE: u32 = 0o20_600;

/// An archive as the kernel unpacks it into its first file system: cpio in the form `newc`.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    inode: usize,
    /// Seconds after 1970, of what is added.
    changed: usize,
    folders: BTreeSet<String>,
}

impl Archive {
    /// The folder, and those that it is in.
    pub fn folder(&mut self, path: &str) {
        let path = path.trim_matches('/');
        if path.is_empty() || !self.folders.insert(path.to_owned()) {
            return;
        }
        self.parent_of(path);
        self.entry(path, FOLDER, (0, 0), &[]);
    }

    pub fn file(&mut self, path: &str, mode: u32, data: &[u8]) {
        self.dated_file(path, mode, 0, data);
    }

    /// One that was last changed so many seconds after 1970.
    pub fn dated_file(&mut self, path: &str, mode: u32, changed: usize, data: &[u8]) {
        self.parent_of(path);
        self.changed = changed;
        self.entry(path, FILE | mode, (0, 0), data);
        self.changed = 0;
    }

    pub fn link(&mut self, path: &str, to: &str) {
        self.parent_of(path);
        self.entry(path, LINK, (0, 0), to.as_bytes());
    }

    pub fn device(&mut self, path: &str, number: (usize, usize)) {
        self.parent_of(path);
        self.entry(path, CHARACTER_DEVICE, number, &[]);
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn parent_of(&mut self, path: &str) {
        if let Some((parent, _)) = path.trim_matches('/').rsplit_once('/') {
            self.folder(parent);
        }
    }

    fn entry(&mut self, path: &str, mode: u32, device: (usize, usize), data: &[u8]) {
        let path = path.trim_matches('/');
        self.inode += 1;
        let (mode, name_length) = (mode as usize, path.len() + 1);
        let fields =
            [self.inode, mode, 0, 0, 1, self.changed, data.len(), 0, 0, device.0, device.1, name_length, 0];
        self.bytes.extend_from_slice(b"070701");
        fields.iter().for_each(|field| self.bytes.extend_from_slice(format!("{field:08x}").as_bytes()));
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, mode and content of each entry, read as the kernel reads them.
    fn entries(bytes: &[u8]) -> Vec<(String, u32, String)> {
        let field = |at: usize, index: usize| {
            let digits = &bytes[at + 6 + index * 8..at + 14 + index * 8];
            u32::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
        };
        let text = |from: usize, length: u32| {
            String::from_utf8(bytes[from..from + length as usize].to_vec()).unwrap()
        };
        let (mut found, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            assert_eq!(&bytes[at..at + 6], b"070701");
            let (name_length, length) = (field(at, 11), field(at, 6));
            let content = (at + 110 + name_length as usize).next_multiple_of(4);
            found.push((text(at + 110, name_length - 1), field(at, 1), text(content, length)));
            at = (content + length as usize).next_multiple_of(4);
        }
        found
    }

    #[test]
    fn entries_can_be_read_back_and_folders_stand_before_what_is_in_them() {
        let mut archive = Archive::default();
        archive.file("/a/b/c", 0o755, b"hello");
        archive.file("a/d", 0o644, b"");
        archive.link("bin/sh", "busybox");
        let found = entries(&archive.finish());
        let entry = |name: &str, mode, content: &str| (name.to_owned(), mode, content.to_owned());
        let wanted = [
            entry("a", 0o40_755, ""),
            entry("a/b", 0o40_755, ""),
            entry("a/b/c", 0o100_755, "hello"),
            entry("a/d", 0o100_644, ""),
            entry("bin", 0o40_755, ""),
            entry("bin/sh", 0o120_777, "busybox"),
            entry("TRAILER!!!", 0, ""),
        ];
        assert_eq!(found, wanted);
    }
}
