/**
 * Every bound that a peer, a printer, a packet or a local client can push against.
 *
 * They stand together because a bound beside its use is forgotten at the next use. The unit is the
 * last word of each name. Relations between bounds are asserted when the module loads, so an edit
 * that breaks one cannot start. SPEC.md, "Limits", is checked against this file by a test.
 */
import assert from 'node:assert/strict';

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

// Names and texts from outside.
/** Name of a PC, a workgroup, a share or a printer. */
export const NAME_MAX_BYTES = 64;
/** One component of a path: what every file system we know takes. */
export const COMPONENT_MAX_BYTES = 255;
/** A name written to this disk; the rest is left for " (2)" and a partial file's suffix. */
export const SAFE_NAME_MAX_BYTES = 200;
export const PATH_MAX_COMPONENTS = 32;
export const PATH_MAX_BYTES = 4096;
export const ERROR_MESSAGE_MAX_BYTES = 512;

// Connections before anything is proved.
export const UNPROVED_SOCKETS_MAX_COUNT = 64;
export const UNPROVED_SOCKETS_PER_ADDRESS_MAX_COUNT = 8;
export const TLS_HANDSHAKE_MAX_MS = 5 * SECOND;
export const PREFACE_MAX_MS = 3 * SECOND;
export const UPGRADE_MAX_MS = 3 * SECOND;
export const PROBATION_MAX_MS = 5 * SECOND;
export const PROBATION_INTERVAL_MS = 2 * SECOND;
export const PROBATION_MAX_COUNT = 2;
export const UPGRADE_HEADERS_MAX_BYTES = 2048;

// The link.
/** One JSON text message. */
export const MESSAGE_MAX_BYTES = 64 * KIB;
export const JSON_DEPTH_MAX_COUNT = 16;
export const JSON_TOKENS_MAX_COUNT = 20_000;
/** The roster that a PC in probation may send, all pages together. */
export const PROBATION_ROSTER_MAX_BYTES = 192 * KIB;
/** Largest WebSocket message of any of our connections. */
export const WS_PAYLOAD_MAX_BYTES = 1 * MIB;
export const WS_FRAGMENTS_MAX_COUNT = 64;
export const WS_BUFFERED_MAX_COUNT = 4096;
export const WS_CLOSE_MAX_MS = 1 * SECOND;
export const MESSAGES_PER_SECOND_MAX_COUNT = 200;
export const MESSAGES_BURST_MAX_COUNT = 1000;
export const SEND_QUEUE_PAUSE_BYTES = 4 * MIB;
export const SEND_QUEUE_MAX_BYTES = 32 * MIB;
export const PING_INTERVAL_MS = 15 * SECOND;
/** A link without a byte from the peer for so long is dead. */
export const SILENCE_MAX_MS = 40 * SECOND;

// Requests on the link.
export const REQUESTS_PER_LINK_MAX_COUNT = 256;
export const REQUEST_ANSWER_MAX_MS = 10 * SECOND;
/** A request whose answer takes long (hashing) sends a sign of life; this is the longest silence. */
export const REQUEST_IDLE_MAX_MS = 60 * SECOND;
export const REQUEST_PROGRESS_INTERVAL_MS = 5 * SECOND;

// Connections beside the link.
export const STREAMS_PER_PEER_MAX_COUNT = 64;
export const PIECES_SOCKETS_PER_PEER_MAX_COUNT = 8;
export const BINARY_FRAME_MAX_BYTES = 256 * KIB;
/** A frame and its header (PieceFrame). */
export const BINARY_FRAME_HEADER_MAX_BYTES = 64;
export const STREAM_IDLE_MAX_MS = 60 * SECOND;
export const DIAL_BACK_MAX_MS = 10 * SECOND;
export const DIAL_BACKS_PER_PEER_MAX_COUNT = 64;

// Dialling.
export const DIAL_MAX_COUNT = 4;
export const DIAL_TCP_MAX_MS = 5 * SECOND;
export const DIAL_BACKOFF_MIN_MS = 1 * SECOND;
export const DIAL_BACKOFF_MAX_MS = 5 * MINUTE;
export const DIAL_PER_ADDRESS_INTERVAL_MS = 5 * SECOND;
export const ADDRESSES_PER_PEER_MAX_COUNT = 8;
export const PORT_MIN = 1024;

// Workgroup.
export const ROSTER_RECORDS_MAX_COUNT = 256;
/** Adds and removals are counted apart, so that neither kind can leave no room for the other. */
export const ROSTER_ADDS_MAX_COUNT = 128;
export const ROSTER_DELS_MAX_COUNT = 128;
/** The payload of one record; the longest keeps everybody whom a removed member invited. */
export const ROSTER_RECORD_MAX_BYTES = 5 * KIB;
/** A payload in base64. */
export const ROSTER_RECORD_MAX_CHARS = Math.ceil(ROSTER_RECORD_MAX_BYTES / 3) * 4;
export const ROSTER_ADDS_PER_SIGNER_MAX_COUNT = 64;
export const ROSTER_DELS_PER_PAIR_MAX_COUNT = 4;
export const ROSTER_PAGE_MAX_BYTES = 48 * KIB;
export const MEMBERS_MAX_COUNT = 64;
export const INVITES_MAX_COUNT = 5;
export const INVITE_DEFAULT_MS = 60 * MINUTE;
export const INVITE_MAX_MS = 24 * 60 * MINUTE;
export const JOIN_FRAME_MAX_BYTES = 2048;
export const JOIN_STEP_MAX_MS = 5 * SECOND;
export const JOIN_MAX_MS = 60 * SECOND;
/** A PC that joins looks for this long for one more PC with an open invitation. */
export const JOIN_SEARCH_MAX_MS = 8 * SECOND;
export const JOIN_CANDIDATES_MAX_COUNT = 12;
export const JOIN_INTERVAL_MS = 2 * SECOND;
export const JOIN_MAX_COUNT = 2;

// Discovery.
export const CANDIDATES_MAX_COUNT = 64;
export const CANDIDATE_ADDRESSES_MAX_COUNT = 4;
/** Addresses of this PC that are announced, one socket each. */
export const DISCOVERY_ADDRESSES_MAX_COUNT = 16;
export const DISCOVERY_QUERY_INTERVAL_MS = 10 * SECOND;
/** A candidate that answered none of the queries of this time is gone. */
export const CANDIDATE_SILENCE_MAX_MS = 35 * SECOND;
/** mDNS packets of all programs that one socket reads before it is closed for a while. */
export const DISCOVERY_PACKETS_PER_SECOND_MAX_COUNT = 500;
export const DISCOVERY_PACKETS_BURST_MAX_COUNT = 2000;
export const DISCOVERY_PAUSE_MS = 1 * MINUTE;
/** Answers that one socket multicasts, whatever it is asked. */
export const DISCOVERY_ANSWERS_PER_SECOND_MAX_COUNT = 2;
export const DISCOVERY_ANSWERS_BURST_MAX_COUNT = 8;
export const DISCOVERY_RECORDS_MAX_COUNT = 64;
export const DISCOVERY_QUESTIONS_MAX_COUNT = 64;
export const DISCOVERY_ROTATE_MS = 24 * 60 * MINUTE;
/** Members whose addresses are kept over a restart: as many as a roster can have. */
export const REMEMBERED_PEERS_MAX_COUNT = ROSTER_ADDS_MAX_COUNT + 1;
/** RFC 6763 §6.1: one string of a TXT record. */
export const TXT_ITEM_MAX_BYTES = 255;
export const TXT_ITEMS_MAX_COUNT = 16;

// Shares.
export const SHARES_MAX_COUNT = 256;
export const BROWSE_PAGE_MAX_COUNT = 256;
/** Entries of a page as JSON: a page of long names ends before its count is reached. */
export const BROWSE_PAGE_MAX_BYTES = 56 * KIB;
/** Entries of one folder, and of all listed folders that are kept for their further pages. */
export const FOLDER_ENTRIES_MAX_COUNT = 200_000;
/** A folder that was listed so short a time ago is not read again for another first page. */
export const BROWSE_FRESH_MS = 1 * SECOND;
/** Folders that are read at the same time. */
export const LISTINGS_MAX_COUNT = 2;
export const BROWSE_CACHE_MAX_COUNT = 16;
export const BROWSE_CACHE_MS = 60 * SECOND;

// Content.
/** BEP 52: leaves of the merkle tree. */
export const LEAF_BYTES = 16 * KIB;
export const PIECE_MIN_BYTES = 128 * KIB;
export const PIECE_MAX_BYTES = 4 * MIB;
/** While a file has more pieces than this, pieces double, up to PIECE_MAX_BYTES. */
export const PIECES_AIM_COUNT = 1024;
export const FILE_MAX_BYTES = 16 * 1024 * 1024 * MIB;
export const DESCRIBE_MAX_COUNT = 64;
export const PIECE_REQUESTS_PER_SOCKET_MAX_COUNT = 64;
export const PIECES_INFLIGHT_MAX_BYTES = 8 * MIB;
/** Reads of up to 1 MiB that are held for connections to take, for all coworkers together. */
export const UPLOAD_READS_MAX_COUNT = 16;
/** A connection that holds such reads and takes nothing for so long is closed. */
export const UPLOAD_STALL_MAX_MS = 20 * SECOND;
/** Files that are open for one connection. */
export const OPEN_SOURCES_PER_SOCKET_MAX_COUNT = 8;
/** Uploads that are shown, and for how long when they are over. */
export const UPLOAD_ROWS_MAX_COUNT = 64;
export const UPLOAD_SHOWN_MS = 60 * SECOND;
/** Files whose content ids are remembered, in all shares. */
export const CONTENTS_KEPT_COUNT = 1_000_000;
/** Of them, those that were found last and are kept in memory. */
export const CONTENTS_IN_MEMORY_COUNT = 4096;
/** Files of one content that are tried when a coworker asks for its bytes. */
export const FILES_PER_CONTENT_MAX_COUNT = 8;
/** Hashings for `content.describe` at the same time, of large files and of lots of small ones each. */
export const DESCRIBE_HASHINGS_MAX_COUNT = 8;
/** Lots of files that wait for the hashing thread; each holds up to DESCRIBE_MAX_COUNT open. */
export const HASH_JOBS_MAX_COUNT = 32;

// Transfers.
export const TRANSFERS_MAX_COUNT = 10_000;
export const TRANSFERS_ACTIVE_MAX_COUNT = 3;
export const TRANSFER_FILES_MAX_COUNT = 1_000_000;
export const TRANSFER_FAILURES_KEPT_COUNT = 100;
/** Files of several pieces that one transfer fetches at once. */
export const LARGE_FILES_AT_ONCE_MAX_COUNT = 4;
/** Wrong pieces of one file before it is given up. */
export const WRONG_PIECES_MAX_COUNT = 3;
/** Files in a row that cannot be written here before the transfer is given up. */
export const LOCAL_FAILURES_MAX_COUNT = 20;
/** How often a file that changes while it is fetched is begun anew. */
export const STALE_FILES_MAX_COUNT = 3;
/** Requests for descriptions that are on their way at once. */
export const DESCRIBES_AT_ONCE_MAX_COUNT = 3;
/** Files of one name in one folder, `plan.pdf` to `plan (999).pdf`. */
export const NUMBERED_NAMES_MAX_COUNT = 999;
/** Free space that a download of this PC's own user leaves. */
export const FREE_SPACE_FLOOR_BYTES = 256 * MIB;

// Printing.
export const PRINTERS_MAX_COUNT = 64;
export const DOCUMENT_MAX_BYTES = 1024 * MIB;
export const JOBS_PER_PEER_HOUR_MAX_COUNT = 200;
/** Jobs of one peer that are not over. */
export const JOBS_OPEN_PER_PEER_MAX_COUNT = 64;
/** Jobs of this PC's own user that are not over. */
export const JOBS_WAITING_MAX_COUNT = 1000;
/** How long a job waits for the printer's PC, and a begun document for its rest. */
export const JOB_WAIT_MAX_MS = 24 * 60 * MINUTE;
export const JOBS_KEPT_COUNT = 1000;
/** How long the id of a job that is over keeps it from being printed again, and how many such ids are kept. */
export const JOB_IDS_KEPT_MS = 30 * 24 * 60 * MINUTE;
export const JOB_IDS_KEPT_COUNT = 50_000;
export const COPIES_MAX_COUNT = 99;
export const IPP_ATTRIBUTES_MAX_BYTES = 1 * MIB;
/** Attribute values and group marks of one IPP message. */
export const IPP_TOKENS_MAX_COUNT = 100_000;
export const IPP_COLLECTION_DEPTH_MAX_COUNT = 8;
export const IPP_ANSWER_MAX_BYTES = 8 * MIB;
export const IPP_CONNECT_MAX_MS = 5 * SECOND;
export const IPP_FIRST_BYTE_MAX_MS = 30 * SECOND;
export const IPP_IDLE_MAX_MS = 120 * SECOND;

// The local API.
export const LOCAL_PROOF_MAX_MS = 2 * SECOND;
/** Connections that have not proved themselves; on Windows every user of the PC can open one. */
export const LOCAL_UNPROVED_MAX_COUNT = 16;
export const LOCAL_CONNECTIONS_MAX_COUNT = 64;
export const LOCAL_HEADERS_MAX_BYTES = 8 * KIB;
export const LOCAL_BODY_MAX_BYTES = 1 * MIB;
/** From the first byte of a request to its last; and how long an idle connection is kept. */
export const LOCAL_REQUEST_MAX_MS = 10 * SECOND;
export const LOCAL_IDLE_MAX_MS = 5 * MINUTE;
/** What a client reads of one answer, and of one line of the watch stream (a snapshot). */
export const LOCAL_ANSWER_MAX_BYTES = 64 * MIB;
/** A client's patience with one call: a document of DOCUMENT_MAX_BYTES is spooled in it. */
export const LOCAL_CALL_MAX_MS = 10 * MINUTE;
export const WATCH_ALIVE_INTERVAL_MS = 10 * SECOND;
/** A watcher that takes nothing for so long is cut; an agent that says nothing for so long is given up. */
export const WATCH_STALL_MAX_MS = 10 * SECOND;
export const WATCH_SILENCE_MAX_MS = 35 * SECOND;
/** From starting an agent in the background until it answers. */
export const AGENT_START_MAX_MS = 10 * SECOND;
export const WATCH_RING_COUNT = 4096;
export const NOTICES_KEPT_COUNT = 200;
export const LOG_FILE_MAX_BYTES = 8 * MIB;
export const LOG_TAIL_MAX_COUNT = 1000;

/** How long an agent may take to close on SIGTERM. */
export const CLOSE_MAX_MS = 1500;

assert(PIECE_MIN_BYTES % LEAF_BYTES === 0, 'a piece is a whole number of leaves');
assert(BINARY_FRAME_MAX_BYTES + BINARY_FRAME_HEADER_MAX_BYTES <= WS_PAYLOAD_MAX_BYTES, 'a frame fits a message');
assert(ROSTER_ADDS_MAX_COUNT + ROSTER_DELS_MAX_COUNT === ROSTER_RECORDS_MAX_COUNT, 'adds and removals are all records');
assert(ROSTER_RECORD_MAX_BYTES > 512 + 67 * (MEMBERS_MAX_COUNT - 2), 'a removal can keep everybody else');
assert(ROSTER_PAGE_MAX_BYTES + ROSTER_RECORD_MAX_BYTES * 2 <= MESSAGE_MAX_BYTES, 'a roster page fits a message');
assert(BROWSE_PAGE_MAX_BYTES + 4 * KIB <= MESSAGE_MAX_BYTES, 'a page of a folder fits a message');
assert(DESCRIBE_HASHINGS_MAX_COUNT * 2 <= HASH_JOBS_MAX_COUNT, 'describing leaves room for other hashing');
assert(PIECES_INFLIGHT_MAX_BYTES >= PIECE_MAX_BYTES, 'one piece can always be asked for');
assert(SEND_QUEUE_PAUSE_BYTES < SEND_QUEUE_MAX_BYTES, 'a producer pauses before its link is cut');
assert(
  DISCOVERY_QUERY_INTERVAL_MS * 3 < CANDIDATE_SILENCE_MAX_MS,
  'two answers may be lost before a candidate is gone',
);
assert(WATCH_ALIVE_INTERVAL_MS * 3 < WATCH_SILENCE_MAX_MS, 'a busy agent is not taken for a dead one');
assert(PING_INTERVAL_MS * 2 < SILENCE_MAX_MS, 'two pings may be lost before a link is called dead');
