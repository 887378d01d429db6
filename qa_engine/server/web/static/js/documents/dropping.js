/** What a reader drops or chooses, folders with all that is in them, as documents with the names that they get. */

/** @typedef {{ file: File, path: string }} Found */

/**
 * The files of a drop. Call it in the handler itself: behind it, the browser has forgotten them.
 * @param {DataTransfer} transfer
 * @returns {Promise<Found[]>}
 */
export async function droppedFiles(transfer) {
  const dropped = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  /** @type {Found[]} */
  const found = [];
  for (const { entry, file } of dropped) {
    if (entry) await collect(entry, found);
    else if (file) found.push({ file, path: file.name });
  }
  return found;
}

/**
 * @param {FileList | null} files of an input
 * @returns {Found[]}
 */
export function chosenFiles(files) {
  return [...(files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * The documents among files. The server knows a file by its name alone, so what would replace another one of the same drop
 * is named by its folders as well.
 * @param {Found[]} found
 * @param {string[]} suffixes of documents, in small letters
 * @returns {{ documents: { file: File, name: string }[], others: number }}
 */
export function documentsOf(found, suffixes) {
  const documents = found.filter(({ file, path }) => {
    const name = path.split("/").at(-1) ?? "";
    // Hidden files, and those that Office keeps beside an open document.
    if (name.startsWith(".") || name.startsWith("~$")) return false;
    return file.type === "application/pdf" || suffixes.some((suffix) => name.toLowerCase().endsWith(suffix));
  });
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { file } of documents) counts.set(file.name, (counts.get(file.name) ?? 0) + 1);
  return {
    documents: documents.map(({ file, path }) => ({
      file,
      name: (counts.get(file.name) ?? 0) > 1 ? path.replace(/^\//, "").replaceAll("/", " - ") : file.name,
    })),
    others: found.length - documents.length,
  };
}

/**
 * @param {FileSystemEntry} entry
 * @param {Found[]} found
 */
async function collect(entry, found) {
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    const file = await new Promise((done) => one.file(done, () => done(null)));
    if (file) found.push({ file, path: entry.fullPath });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    // A folder is read a part at a time; an empty part is the end.
    const part = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!part.length) return;
    for (const inner of part) await collect(inner, found);
  }
}
