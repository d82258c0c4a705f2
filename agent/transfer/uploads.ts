/**
 * Sends pieces of shared files to coworkers, on the connections that they open for it.
 *
 * A connection's requests are answered one after the other, in the order in which they came. Bytes are read
 * straight into the frames that are sent, four frames at a time, into a few buffers that are used again when
 * the connection has taken them. A coworker that reads slowly holds two of them, and none for long when it
 * stops reading. Before bytes go out the file is looked at once more; when it is not what was hashed the
 * answer is GONE.
 *
 * Whether a coworker may read is asked of the door for every piece, so that what an owner takes back ends now
 * and not with the connection.
 */
import { closeSync, readSync, readv } from 'node:fs';
import { promisify } from 'node:util';
import type { PieceSocket } from '../net/piece-socket.js';
import { Slots } from '../net/slots.js';
import type { Clock } from '../platform/clock.js';
import { isSameStamp, type OpenFile, stampNow } from '../platform/share-files.js';
import { type ErrorCode, PotluckError, toPotluckError } from '../../protocol/errors.js';
import type { ContentId, PeerId } from '../../protocol/ids.js';
import {
  BINARY_FRAME_MAX_BYTES,
  OPEN_SOURCES_PER_SOCKET_MAX_COUNT,
  PIECE_REQUESTS_PER_SOCKET_MAX_COUNT,
  UPLOAD_READS_MAX_COUNT,
  UPLOAD_STALL_MAX_MS,
} from '../../protocol/limits.js';
import { type Manifest, pieceCount, pieceLength, pieceSize } from '../../protocol/manifest.js';
import {
  DATA_HEADER_BYTES,
  decodePieceFrame,
  encodeDataInto,
  encodePieceFrame,
  type PieceFrame,
} from '../../protocol/peer/piece-frame.js';
import type { SentFile, UploadRows } from './upload-rows.js';

/** A file that is open to be sent. */
export interface UploadSource extends SentFile {
  readonly file: OpenFile;
  readonly manifest: Manifest;
  /** Asked before each answer. */
  isAllowed(): boolean;
}

/**
 * Opens content for one coworker; null when there is none that it may read. The descriptor is closed here.
 * @throws PotluckError GONE: there was one, and it has changed
 */
export type OpenContent = (content: ContentId) => UploadSource | null;

type PieceRequest = Extract<PieceFrame, { type: 'piece' }>;
type Request = PieceRequest | Extract<PieceFrame, { type: 'layer' }>;

const FRAMES_PER_READ = 4;
const FRAME_BYTES = DATA_HEADER_BYTES + BINARY_FRAME_MAX_BYTES;
/** So much is read without leaving the thread, into memory of its own: anything else takes longer. */
const READ_AT_ONCE_BYTES = 64 * 1024;
const OWN_READS_MAX_COUNT = 2;
const readInto = promisify(readv);

/** Memory of one read: room for four frames. */
interface Block {
  readonly frames: readonly Buffer[];
}

export class Uploads {
  readonly #rows: UploadRows;
  readonly #reads = new Slots(UPLOAD_READS_MAX_COUNT);
  /** Blocks that are not in use; they go when nobody is served any more. */
  readonly #free: Block[] = [];
  #served = 0;

  readonly #clock: Clock;

  constructor(rows: UploadRows, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  /** Answers one coworker's requests for as long as the connection is open. */
  serve(peer: PeerId, socket: PieceSocket, open: OpenContent): void {
    this.#served += 1;
    const server = new Server(socket, open, {
      clock: this.#clock,
      take: (signal) => this.#take(signal),
      onSent: (source, bytes) => this.#rows.sent(peer, source, bytes),
    });
    socket.onFrame((frame) => server.hear(frame));
    void this.#endWith(socket, server);
  }

  async #endWith(socket: PieceSocket, server: Server): Promise<void> {
    await socket.closed;
    server.end();
    this.#served -= 1;
    if (this.#served === 0) this.#free.length = 0;
  }

  async #take(signal: AbortSignal): Promise<{ block: Block; giveBack: () => void }> {
    const leave = await this.#reads.take(signal);
    const block = this.#free.pop() ?? newBlock();
    const giveBack = (): void => {
      if (this.#served > 0) this.#free.push(block);
      leave();
    };
    return { block, giveBack };
  }
}

interface Surroundings {
  readonly clock: Clock;
  take(signal: AbortSignal): Promise<{ block: Block; giveBack: () => void }>;
  onSent(source: UploadSource, bytes: number): void;
}

/** The answering side of one connection. */
class Server {
  readonly #socket: PieceSocket;
  readonly #open: OpenContent;
  readonly #around: Surroundings;
  readonly #queue: Request[] = [];
  /** Open files, the one used last at the end. */
  readonly #sources = new Map<ContentId, UploadSource>();
  readonly #ownReads = new Slots(OWN_READS_MAX_COUNT);
  /** Blocks that the connection has not taken yet. */
  #held = 0;
  #cancelStall: () => void = () => undefined;
  readonly #ended = new AbortController();
  /** The request that is being answered; withdrawn when the asker cancels it. */
  #current: { readonly id: number; isCancelled: boolean } | null = null;

  constructor(socket: PieceSocket, open: OpenContent, around: Surroundings) {
    this.#socket = socket;
    this.#open = open;
    this.#around = around;
  }

  hear(bytes: Uint8Array): void {
    let frame: PieceFrame;
    try {
      frame = decodePieceFrame(bytes);
    } catch {
      this.#socket.close(true);
      return;
    }
    if (frame.type === 'cancel') this.#cancel(frame.id);
    else if (frame.type === 'data' || frame.type === 'failure') this.#socket.close(true);
    else if (this.#queue.length >= PIECE_REQUESTS_PER_SOCKET_MAX_COUNT) this.#socket.close(true);
    else {
      this.#queue.push(frame);
      if (this.#current === null) void this.#answerAll();
    }
  }

  end(): void {
    this.#queue.length = 0;
    this.#cancelStall();
    this.#ended.abort();
    if (this.#current === null) this.#closeSources(0);
  }

  #cancel(id: number): void {
    const at = this.#queue.findIndex((request) => request.id === id);
    if (at >= 0) this.#queue.splice(at, 1);
    else if (this.#current?.id === id) this.#current.isCancelled = true;
  }

  /** Never rejects: what fails is answered, or the connection is closed. */
  async #answerAll(): Promise<void> {
    for (let request = this.#queue.shift(); request !== undefined; request = this.#queue.shift()) {
      this.#current = { id: request.id, isCancelled: false };
      try {
        await this.#answer(request);
      } catch (thrown) {
        if (this.#ended.signal.aborted) break;
        const { code } = toPotluckError(thrown);
        // Another file may have the same bytes: the next request looks for it.
        if (code === 'GONE') this.#closeSource(request.content);
        await this.#fail(request.id, code).catch(() => this.#socket.close());
      }
    }
    this.#current = null;
    if (this.#ended.signal.aborted) this.#closeSources(0);
  }

  async #answer(request: Request): Promise<void> {
    const source = this.#sourceOf(request.content);
    const { size } = source.manifest;
    if (request.type === 'layer') {
      await this.#sendLayer(request.id, source.manifest.layer);
    } else if (request.index >= pieceCount(size)) {
      throw new PotluckError('BAD_MESSAGE', 'the file has no such piece');
    } else {
      const length = pieceSize(request.index, size);
      if (length <= READ_AT_ONCE_BYTES) {
        await this.#sendSmall(request, source, length);
        return;
      }
      for (let offset = 0; offset < length; offset += FRAMES_PER_READ * BINARY_FRAME_MAX_BYTES) {
        if (this.#current?.isCancelled === true) return;
        await this.#sendPart(request, source, offset, length);
      }
    }
  }

  /** The open file; looked up again when it is no longer allowed where it was found. */
  #sourceOf(content: ContentId): UploadSource {
    const known = this.#sources.get(content);
    if (known !== undefined) {
      if (known.isAllowed()) {
        this.#sources.delete(content);
        this.#sources.set(content, known);
        return known;
      }
      this.#closeSource(content);
    }
    const source = this.#open(content);
    if (source === null) throw new PotluckError('PATH_UNKNOWN', 'no such content');
    this.#sources.set(content, source);
    this.#closeSources(OPEN_SOURCES_PER_SOCKET_MAX_COUNT);
    return source;
  }

  async #sendSmall(request: PieceRequest, source: UploadSource, length: number): Promise<void> {
    const frame = Buffer.allocUnsafe(DATA_HEADER_BYTES + length);
    const position = request.index * pieceLength(source.manifest.size);
    checked(source, length, () => readSync(source.file.fd, frame, DATA_HEADER_BYTES, length, position));
    encodeDataInto(frame, request.id, 0, length);
    this.#around.onSent(source, length);
    await this.#socket.send(frame);
  }

  /** Reads up to four frames of a piece and hands them to the connection. */
  async #sendPart(request: PieceRequest, source: UploadSource, from: number, total: number): Promise<void> {
    const { block, giveBack } = await this.#takeBlock();
    const length = Math.min(total - from, FRAMES_PER_READ * BINARY_FRAME_MAX_BYTES);
    const frames = cutFrames(block, length);
    let unsent = frames.length;
    const onWritten = (): void => {
      unsent -= 1;
      if (unsent === 0) giveBack();
      else this.#watch();
    };
    let given = 0;
    try {
      const views = frames.map((frame) => frame.subarray(DATA_HEADER_BYTES));
      const position = request.index * pieceLength(source.manifest.size) + from;
      const { bytesRead } = await readInto(source.file.fd, views, position).catch(unreadable);
      checked(source, length, () => bytesRead);
      for (const frame of frames) {
        const bytes = frame.byteLength - DATA_HEADER_BYTES;
        encodeDataInto(frame, request.id, from + given * BINARY_FRAME_MAX_BYTES, total);
        given += 1;
        this.#around.onSent(source, bytes);
        await this.#socket.send(frame, onWritten);
      }
    } finally {
      for (; given < frames.length; given++) onWritten();
    }
  }

  async #takeBlock(): Promise<{ block: Block; giveBack: () => void }> {
    const leave = await this.#ownReads.take(this.#ended.signal);
    try {
      const { block, giveBack } = await this.#around.take(this.#ended.signal);
      this.#held += 1;
      this.#watch();
      return {
        block,
        giveBack: () => {
          this.#held -= 1;
          this.#watch();
          giveBack();
          leave();
        },
      };
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  /** Blocks that a connection does not take for so long are wanted elsewhere: called whenever it has taken something. */
  #watch(): void {
    this.#cancelStall();
    this.#cancelStall =
      this.#held === 0 ? () => undefined : this.#around.clock.after(UPLOAD_STALL_MAX_MS, () => this.#socket.close());
  }

  async #sendLayer(id: number, layer: Uint8Array): Promise<void> {
    for (let offset = 0; offset < layer.byteLength; offset += BINARY_FRAME_MAX_BYTES) {
      const bytes = layer.subarray(offset, offset + BINARY_FRAME_MAX_BYTES);
      const frame = new Uint8Array(DATA_HEADER_BYTES + bytes.byteLength);
      encodeDataInto(frame, id, offset, layer.byteLength);
      frame.set(bytes, DATA_HEADER_BYTES);
      await this.#socket.send(frame);
    }
  }

  #fail(id: number, code: ErrorCode): Promise<void> {
    return this.#socket.send(encodePieceFrame({ type: 'failure', id, code }));
  }

  #closeSource(content: ContentId): void {
    const source = this.#sources.get(content);
    if (source === undefined) return;
    this.#sources.delete(content);
    closeSync(source.file.fd);
  }

  /** Closes the files used longest ago until `count` are open. */
  #closeSources(count: number): void {
    for (const content of this.#sources.keys()) {
      if (this.#sources.size <= count) return;
      this.#closeSource(content);
    }
  }
}

function newBlock(): Block {
  const memory = Buffer.allocUnsafeSlow(FRAMES_PER_READ * FRAME_BYTES);
  const frames = Array.from({ length: FRAMES_PER_READ }, (_, at) =>
    memory.subarray(at * FRAME_BYTES, (at + 1) * FRAME_BYTES),
  );
  return { frames };
}

/** The block's frames, as long as it takes to hold `length` bytes. */
function cutFrames({ frames }: Block, length: number): Buffer[] {
  const cut: Buffer[] = [];
  for (const frame of frames) {
    const bytes = Math.min(BINARY_FRAME_MAX_BYTES, length - cut.length * BINARY_FRAME_MAX_BYTES);
    if (bytes > 0) cut.push(frame.subarray(0, DATA_HEADER_BYTES + bytes));
  }
  return cut;
}

/** Reads, and looks at the file afterwards. @throws PotluckError GONE: it is not what was hashed; UNREADABLE */
function checked({ file }: UploadSource, wanted: number, read: () => number): void {
  let got: number;
  let isSame: boolean;
  try {
    got = read();
    isSame = isSameStamp(file.stamp, stampNow(file.fd));
  } catch (thrown) {
    return unreadable(thrown);
  }
  if (!isSame || got !== wanted) throw new PotluckError('GONE', 'the file has changed');
}

function unreadable(cause: unknown): never {
  throw new PotluckError('UNREADABLE', 'the file cannot be read', { cause });
}
