// Types of mod_cppwebsocket's client; README.md is the manual.

/** "EPOCH-OFFSET": where a message stands in its channel. */
export type Position = string;

export interface Member {
  id: string;
  info: string;
}

export interface Message {
  /** Absent without an envelope (`json: false`). */
  channel?: string;
  /** Absent where the channel keeps no history. */
  position?: Position;
  /** When it was published, in milliseconds since 1970; absent without an envelope. */
  time?: number;
  /** The user who published it, where the server tells that (WebSocketChannelPublisher). */
  publisher?: string;
  /** The name that its publisher gave it (`?event=`). */
  event?: string;
  data: string | Uint8Array;
}

/** Messages of the channel may be missing between the last one and the next. */
export interface Gap {
  channel: string;
  position?: Position;
}

export interface Presence {
  channel: string;
  member: Member;
}

export interface Subscribed {
  channel: string;
  position?: Position;
  /** Exactly what was missed follows. */
  recovered: boolean;
  /** Of handlers that tell who is there. */
  members?: Member[];
}

export type State = 'connecting' | 'open' | 'waiting' | 'paused' | 'closing' | 'stopped';

export interface StateChange {
  state: State;
  transport?: 'websocket' | 'events';
  /** Of which channel's connection, where each has its own. */
  channel?: string;
  /** Milliseconds until the next attempt, while waiting. */
  wait?: number;
  /** Of a Close frame; 1006: none came. */
  code?: number;
  /** Whether the closing handshake was done. */
  clean?: boolean;
  /** Of the answer to a refused attempt. */
  status?: number;
  /** The server's sentence, or what went wrong. */
  reason?: string;
  /** What the handshake agreed on. */
  protocol?: string;
  extensions?: string;
}

export interface Events {
  message: Message;
  gap: Gap;
  joined: Presence;
  left: Presence;
  subscribed: Subscribed;
  state: StateChange;
}

export interface ChannelOptions {
  /** Begin with the newest so many messages, where there is nothing to resume. */
  history?: number;
}

export type Token = (why: { refused: boolean }) => string | undefined | Promise<string | undefined>;

export interface SharedOptions extends ChannelOptions {
  /** Names below the address, each on a connection of its own. Without: those that the server has for the address. */
  channels?: string[] | Record<string, ChannelOptions>;
  /** The address of `SetHandler websocket-publish`, for publish, history and presence. */
  publish?: string;
  /** Where an earlier life of the page was: its `client.positions`. */
  positions?: Record<string, Position>;
  token?: Token;
  /** Send the token of a WebSocket in the query under this name, not as a subprotocol `bearer.TOKEN`. */
  tokenQuery?: string;
  /** Seconds between two signs of life that the server is asked for; two and a half without one end the
   * connection. 0: none. Default 25. */
  heartbeat?: number;
  /** Seconds that an attempt may take. Default 20. */
  timeout?: number;
  /** Seconds: the first wait, which doubles, and the longest; of each a random half is taken off. */
  backoff?: { base?: number; most?: number };
  /** For other origins: as fetch has it. */
  credentials?: 'omit' | 'same-origin' | 'include';
  /** Fall back to an event stream, and ask by HTTP why a WebSocket was refused. Default true. */
  events?: boolean;
}

export interface Options extends SharedOptions {
  /** Of a handler's address: what it is offered. Default: channel.json. */
  protocols?: string[];
  /** Of a handler's address: whether it sends channel.json. Default true. */
  json?: boolean;
  /** What a handler is sent whenever a connection opens. */
  hello?: (where: { positions: Record<string, Position> }) => string | ArrayBufferView | ArrayBuffer;
  /** Come back. Default true. */
  retry?: boolean;
  /** Where there is none, or another is wanted: a class like the WebSocket of browsers. */
  WebSocket?: unknown;
  fetch?: typeof fetch;
}

export interface Published {
  channel: string;
  members: number;
  position: Position | null;
}

export interface History {
  channel: string;
  members: number;
  position: Position | null;
  presence: Member[];
  /** With `after`: nothing is missing behind it. */
  complete: boolean;
  messages: Array<{ type: string; channel: string; position?: Position; data?: string | Uint8Array }>;
}

/** What publish, history and presence reject with. */
export interface Refusal extends Error {
  status?: number;
}

export interface SharedClient {
  readonly state: State;
  /** Behind the last message that listeners have taken, of each channel. */
  readonly positions: Record<string, Position>;
  /** Returns what takes the listener off again. */
  on<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): () => void;
  /** Again, after `stopped`. */
  connect(): void;
  close(): void;
  publish(channel: string | undefined, data: string | ArrayBuffer | ArrayBufferView | Blob | object): Promise<Published>;
  history(channel: string | undefined, options?: { limit?: number; after?: Position }): Promise<History>;
  presence(channel?: string): Promise<Member[]>;
}

export interface Client extends SharedClient {
  /** At once, with a new connection. */
  reconnect(): void;
  /** By the closing handshake, whose end `stopped` tells. code: 1000, or 3000 to 4999. */
  goodbye(code?: number, reason?: string): void;
  subscribe(channel: string, options?: ChannelOptions): void;
  unsubscribe(channel: string): void;
  /** To a handler. Throws unless open. */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void;
}

export function connect(url: string | URL, options?: Options): Client;

/** One connection for all tabs. `script`: the address of worker.js, of the page's own origin. */
export function connectShared(script: string | URL, url: string | URL, options?: SharedOptions): SharedClient;
