import { renameSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { hashTerm } from '@starling/digest';
import {
  bm25,
  type DocumentText,
  documentText,
  estimateStatistics,
  matches,
  noStatistics,
  occurrences,
  parseQuery,
  rankedTerms,
  type TermStatistics,
  type TextTerm,
  termKey,
} from '@starling/query';
import {
  type FieldColumn,
  fieldHash,
  firstKey,
  keyName,
  type Plan,
  pathsUpFrom,
  planOf,
  termExpression,
} from './index-plan.ts';
import type {
  IndexLimits,
  IndexRefusal,
  IndexTerms,
  LocalAnswer,
  LocalHit,
  LocalQuestion,
  PutResult,
  StoredDocument,
} from './local-index.ts';

export const indexLimits = {
  /** Fields whose words are apart from others'; those met later share one column, and are told apart by reading the documents. (guess) */
  columnsMax: 31,
  /** Documents that are read for one question, at least … (measured: 5 ms of WordNet's glosses) */
  candidatesMin: 256,
  /** … for each hit wanted, since which are the best by the mesh's statistics shows only then … (guess) */
  candidatesPerHit: 4,
  /** … and at most, when most of them turn out not to match. (guess) */
  candidatesMax: 10_000,
  /** Frequencies remembered between two changes of the index. (guess) */
  frequenciesMax: 1_024,
  /** KiB of the file that are kept in memory. (measured: more makes no search of 100,000 glosses faster) */
  cacheKiB: 8_192,
} as const;

/** Another layout of the file than this is not read. */
const layout = 1;
/** Parts two values: no word has this letter, so no phrase reaches across. */
const parting = ' \ue000 ';
const rest: FieldColumn = { name: 'rest', isOwn: false };
const columns = Array.from({ length: indexLimits.columnsMax }, (_, i): FieldColumn => ({ name: `c${i}`, isOwn: true }));
const columnNames = [...columns, rest].map(({ name }) => name);

const schema = `
  CREATE TABLE documents (
    key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,
    length INTEGER NOT NULL, bytes INTEGER NOT NULL, json TEXT NOT NULL
  );
  CREATE VIRTUAL TABLE words USING fts5(${columnNames.join(', ')}, content='', contentless_delete=1, tokenize='ascii');
  CREATE TABLE numbers (
    field INTEGER NOT NULL, kind INTEGER NOT NULL, value REAL NOT NULL, key INTEGER NOT NULL,
    PRIMARY KEY (field, kind, value, key)
  ) WITHOUT ROWID;
  CREATE TABLE fields (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
  CREATE TABLE totals (documents INTEGER NOT NULL, bytes INTEGER NOT NULL, words INTEGER NOT NULL);
  INSERT INTO totals VALUES (0, 0, 0);
  PRAGMA user_version = ${layout};
`;

interface Totals {
  documents: number;
  bytes: number;
  words: number;
}

interface Row extends StoredDocument {
  readonly key: number;
  readonly length: number;
  readonly bytes: number;
}

export interface SqliteIndexOptions extends IndexLimits {
  /** Empty: in memory. */
  readonly path: string;
  /** Pages of the file at most: a small disk, for tests. */
  readonly pagesMax?: number;
}

/**
 * An inverted index in a file: SQLite's FTS5 holds the words and finds candidates; what a query means and how much a
 * document is worth is decided by `@starling/query` alone, on the documents themselves. Every call takes its time: not for
 * the thread that the mesh runs on.
 */
export class SqliteIndex {
  readonly #limits: IndexLimits;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #columns = new Map<string, FieldColumn>();
  readonly #frequencies = new Map<string, number>();
  #totals: Totals;
  /** Where a file that could not be read was put aside; null: it could be. */
  readonly brokenFile: string | null;

  /** Throws when there is no writing to the path. A file that is broken, or of another layout, is put aside. */
  constructor(options: SqliteIndexOptions) {
    this.#limits = options;
    let [db, brokenFile]: [DatabaseSync | null, string | null] = [null, null];
    try {
      db = open(options);
    } catch (error) {
      if (options.path === '' || !isBroken(error)) throw error;
      brokenFile = `${options.path}.broken`;
      for (const end of ['-wal', '-shm', '-journal']) rmSync(options.path + end, { force: true });
      renameSync(options.path, brokenFile);
      db = open(options);
    }
    this.#db = db;
    this.brokenFile = brokenFile;
    this.#totals = this.#readTotals();
    for (const row of this.#all('SELECT name, number FROM fields')) {
      this.#columns.set(String(row.name), columns[Number(row.number)] ?? rest);
    }
  }

  get size(): number {
    return this.#totals.documents;
  }

  get bytes(): number {
    return this.#totals.bytes;
  }

  /** All that fit are stored, or, when the disk is full, none. */
  put(documents: readonly StoredDocument[]): PutResult {
    let [stored, stale]: [number, number] = [0, 0];
    let refusal: IndexRefusal | null = null;
    const problem = this.#change(() => {
      for (const document of documents) {
        const old = this.#held(document.id);
        if (old !== undefined && old.version > document.version) {
          stale++;
          continue;
        }
        const bytes = Buffer.byteLength(document.json);
        refusal = this.#refusalOf(bytes, old);
        if (refusal !== null) return;
        this.#store(document, bytes, old);
        stored++;
      }
    });
    if (problem !== null) return { stored: 0, stale: 0, refusal: { kind: 'disk', problem } };
    return { stored, stale, refusal };
  }

  /** Throws when the disk is full: then none is deleted. */
  delete(ids: readonly string[]): number {
    let deleted = 0;
    const problem = this.#change(() => {
      for (const id of ids) {
        const old = this.#held(id);
        if (old === undefined) continue;
        this.#forget(old);
        this.#run('DELETE FROM documents WHERE key = ?', old.key);
        this.#add({ documents: -1, bytes: -old.bytes, words: -old.length });
        deleted++;
      }
    });
    if (problem !== null) throw new Error(problem);
    return deleted;
  }

  search({ text, limit, statistics: known }: LocalQuestion): LocalAnswer {
    const parsed = parseQuery(text);
    if (!parsed.ok) return { hits: [], statistics: noStatistics };
    const terms = rankedTerms(parsed.query);
    const statistics: TermStatistics = {
      documents: this.#totals.documents,
      words: this.#totals.words,
      frequencies: terms.map((term) => this.#frequency(term)),
    };
    const weights = estimateStatistics(known, statistics);
    const plan = planOf(parsed.query, (key) => this.#columnOf(key));
    const { candidatesMin, candidatesPerHit, candidatesMax } = indexLimits;
    let count = Math.min(candidatesMax, Math.max(candidatesMin, candidatesPerHit * limit));
    for (;;) {
      const keys = this.#candidates(plan, count);
      const hits: LocalHit[] = [];
      for (const key of keys) {
        const [row] = this.#all(
          'SELECT id, version, length, json FROM documents WHERE key = ?',
          key,
        ) as unknown as Row[];
        if (row === undefined) continue;
        const document = textOf(row.json);
        if (!matches(parsed.query, document)) continue;
        const counts = terms.map((term) => occurrences(term, document));
        const { id, version, length, json } = row;
        hits.push({ id, version, json, length, terms: counts, score: bm25({ length, terms: counts }, weights) });
      }
      if (plan.isExact || hits.length >= limit || keys.length < count || count >= candidatesMax) {
        return { hits: hits.sort(byScore).slice(0, limit), statistics };
      }
      count = Math.min(candidatesMax, 4 * count);
    }
  }

  /** Reads the whole vocabulary: some 100 ms for 100,000 words. */
  terms(countMax: number): IndexTerms {
    const { documents, words } = this.#totals;
    this.#db.exec("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'words', 'row')");
    const found = new Uint32Array(countMax);
    let count = 0;
    for (const row of this.#statement('SELECT term FROM temp.vocabulary').iterate()) {
      if (count === countMax) return { fingerprints: null, documents, words };
      found[count++] = hashTerm(String(row.term)).high;
    }
    const sorted = found.subarray(0, count).sort();
    return { fingerprints: sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]), documents, words };
  }

  close(): void {
    this.#db.close();
  }

  #candidates({ match, where, parameters }: Plan, count: number): number[] {
    const sql = where.replaceAll(keyName, match === null ? 'key' : '+rowid');
    const also = sql === '' ? '' : `${match === null ? 'WHERE' : 'AND'} ${sql}`;
    const rows =
      match === null
        ? this.#all(`SELECT key FROM documents ${also} ORDER BY key DESC LIMIT ?`, ...parameters, count)
        : this.#all(
            `SELECT rowid AS key FROM words WHERE words MATCH ? ${also} ORDER BY rank LIMIT ?`,
            match,
            ...parameters,
            count,
          );
    return rows.map((row) => Number(row.key));
  }

  /** Documents that have the term; of a field without a column of its own, those that may. */
  #frequency(term: TextTerm): number {
    const key = termKey(term);
    let count = this.#frequencies.get(key);
    if (count === undefined) {
      const expression = termExpression(term, (name) => this.#columnOf(name));
      count = Number(this.#all('SELECT count(*) AS n FROM words WHERE words MATCH ?', expression)[0]?.n);
      if (this.#frequencies.size >= indexLimits.frequenciesMax) this.#frequencies.clear();
      this.#frequencies.set(key, count);
    }
    return count;
  }

  #columnOf(key: string): FieldColumn | null {
    return this.#columns.get(key) ?? (this.#columns.size < columns.length ? null : rest);
  }

  #refusalOf(bytes: number, old: Row | undefined): IndexRefusal | null {
    if (old === undefined && this.#totals.documents >= this.#limits.documentsMax) return { kind: 'documents' };
    if (this.#totals.bytes + bytes - (old?.bytes ?? 0) > this.#limits.bytesMax) return { kind: 'bytes' };
    return null;
  }

  #held(id: string): Row | undefined {
    const [row] = this.#all('SELECT key, id, version, length, bytes, json FROM documents WHERE id = ?', id);
    return row as unknown as Row | undefined;
  }

  #store({ id, version, json }: StoredDocument, bytes: number, old: Row | undefined): void {
    const text = textOf(json);
    let key: number;
    if (old === undefined) {
      const sql = 'INSERT INTO documents (id, version, length, bytes, json) VALUES (?, ?, ?, ?, ?)';
      key = Number(this.#run(sql, id, version, text.length, bytes, json).lastInsertRowid);
    } else {
      this.#forget(old);
      key = old.key;
      const sql = 'UPDATE documents SET version = ?, length = ?, bytes = ?, json = ? WHERE key = ?';
      this.#run(sql, version, text.length, bytes, json, key);
    }
    const words = new Map<string, string>();
    for (const { path, values } of text.fields) {
      const { name } = this.#placeOf(firstKey(path));
      const own = values.map((value) => value.join(' ')).join(parting);
      const before = words.get(name);
      words.set(name, before === undefined ? own : before + parting + own);
    }
    const insert = `INSERT INTO words (rowid, ${columnNames.join(', ')}) VALUES (?${', ?'.repeat(columnNames.length)})`;
    this.#run(insert, key, ...columnNames.map((name) => words.get(name) ?? null));
    for (const [field, kind, value] of numbersOf(text)) {
      this.#run('INSERT OR IGNORE INTO numbers VALUES (?, ?, ?, ?)', field, kind, value, key);
    }
    this.#add({
      documents: old === undefined ? 1 : 0,
      bytes: bytes - (old?.bytes ?? 0),
      words: text.length - (old?.length ?? 0),
    });
  }

  /** Takes its words and numbers out of the index. */
  #forget({ key, json }: Row): void {
    this.#run('DELETE FROM words WHERE rowid = ?', key);
    for (const [field, kind, value] of numbersOf(textOf(json))) {
      this.#run('DELETE FROM numbers WHERE field = ? AND kind = ? AND value = ? AND key = ?', field, kind, value, key);
    }
  }

  /** A column for a field's words; a new field gets one of its own while there are any. */
  #placeOf(key: string): FieldColumn {
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    const own = columns[this.#columns.size];
    if (own === undefined) return rest;
    this.#run('INSERT INTO fields VALUES (?, ?)', key, this.#columns.size);
    this.#columns.set(key, own);
    return own;
  }

  #add({ documents, bytes, words }: Totals): void {
    this.#totals.documents += documents;
    this.#totals.bytes += bytes;
    this.#totals.words += words;
  }

  /** One transaction. What the disk says against it; null: it is done. */
  #change(work: () => void): string | null {
    const before = { ...this.#totals };
    const fieldsBefore = this.#columns.size;
    this.#frequencies.clear();
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      work();
      const { documents, bytes, words } = this.#totals;
      this.#run('UPDATE totals SET documents = ?, bytes = ?, words = ?', documents, bytes, words);
      this.#db.exec('COMMIT');
      return null;
    } catch (error) {
      this.#totals = before;
      for (const name of [...this.#columns.keys()].slice(fieldsBefore)) this.#columns.delete(name);
      // A full disk may have rolled back already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (isDiskTrouble(error)) return (error as Error).message;
      throw error;
    }
  }

  #readTotals(): Totals {
    const [row] = this.#all('SELECT documents, bytes, words FROM totals');
    return { documents: Number(row?.documents), bytes: Number(row?.bytes), words: Number(row?.words) };
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      // As many as there are shapes of queries: those of one shape share a statement.
      if (this.#statements.size >= 256) this.#statements.clear();
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #all(sql: string, ...parameters: readonly (string | number | null)[]): Record<string, unknown>[] {
    return this.#statement(sql).all(...parameters) as Record<string, unknown>[];
  }

  #run(sql: string, ...parameters: readonly (string | number | null)[]) {
    return this.#statement(sql).run(...parameters);
  }
}

/** Opens or makes the file. Throws what SQLite throws; a layout that is not this one's counts as a broken file. */
function open({ path, pagesMax }: SqliteIndexOptions): DatabaseSync {
  const db = new DatabaseSync(path === '' ? ':memory:' : path);
  try {
    // Only this process reads it. After a crash of the process nothing is lost; after one of the machine, the last moments.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    db.exec(`PRAGMA cache_size = -${indexLimits.cacheKiB}; PRAGMA journal_size_limit = 4194304`);
    if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${pagesMax}`);
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
    const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n);
    if (version === 0 && tables === 0) db.exec(`BEGIN; ${schema} COMMIT`);
    else if (version !== layout) throw new OtherLayout(`a layout of the index that is not known: ${version}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

class OtherLayout extends Error {}

/** SQLite's result codes, https://sqlite.org/rescode.html; the lower byte is the primary one. */
const sqlite = { ioError: 10, corrupt: 11, full: 13, notADatabase: 26 } as const;

function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}

function isBroken(error: unknown): boolean {
  const code = codeOf(error);
  return error instanceof OtherLayout || code === sqlite.corrupt || code === sqlite.notADatabase;
}

function isDiskTrouble(error: unknown): boolean {
  const code = codeOf(error);
  return code === sqlite.full || code === sqlite.ioError;
}

/** JSON that this very program wrote. */
function textOf(json: string): DocumentText {
  return documentText(JSON.parse(json));
}

/** Numbers (0) and dates (1) under their fields, as [field, kind, value]. */
function* numbersOf({ fields }: DocumentText): Generator<[number, number, number]> {
  for (const { path, numbers, dates } of fields) {
    if (numbers.length === 0 && dates.length === 0) continue;
    const hashes = pathsUpFrom(path).map(fieldHash);
    for (const field of hashes) {
      for (const value of numbers) yield [field, 0, value];
      for (const value of dates) yield [field, 1, value];
    }
  }
}

function byScore(a: LocalHit, b: LocalHit): number {
  return b.score - a.score || (a.id < b.id ? -1 : 1);
}
