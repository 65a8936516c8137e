// Types of connectMany(); README.md is the manual.
import type { ChannelOptions, Events, History, Member, Position, SharedOptions, State } from './index.js';

export { connect } from './index.js';

export interface ManyChannelOptions extends ChannelOptions {
  /** Be seen by others, with this text of at most 1024 bytes. */
  presence?: string;
  /** Be told who comes and goes: `joined`, `left`, and `members` of `subscribed`. */
  events?: boolean;
}

export interface ManyOptions extends Omit<SharedOptions, 'channels' | 'publish'> {
  /** Besides those that the server names for the address. */
  channels?: string[] | Record<string, ManyChannelOptions>;
  /** Where there is none, or another is wanted: a class like the WebSocket of browsers. */
  WebSocket?: unknown;
  fetch?: typeof fetch;
}

export type ErrorName = 'bad_command' | 'bad_channel' | 'forbidden' | 'unavailable' | 'too_many' | 'already'
  | 'not_subscribed' | 'too_large' | 'no_room';

export interface ManyEvents extends Events {
  /** The page is not subscribed to this channel. `unavailable` is tried again by itself. */
  refused: { channel: string; error: ErrorName; reason: string };
  /** Connected, with what an application has to say. */
  welcome: { data?: string };
}

/** What publish, send, history and presence reject with; without `error`: it is not known what became of it. */
export interface ManyError extends Error {
  error?: ErrorName;
}

export interface ManyClient {
  readonly state: State;
  readonly positions: Record<string, Position>;
  on<T extends keyof ManyEvents>(type: T, listener: (event: ManyEvents[T]) => void): () => void;
  connect(): void;
  reconnect(): void;
  close(): void;
  subscribe(channel: string, options?: ManyChannelOptions): void;
  unsubscribe(channel: string): void;
  publish(channel: string, data: string | ArrayBuffer | ArrayBufferView | Blob | object): Promise<{ position?: Position }>;
  /** To the application behind WebSocketHook message; what that sends back. */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob | object): Promise<string[]>;
  history(channel: string, options?: { limit?: number; after?: Position }): Promise<Pick<History, 'complete' | 'messages'>
    & { position?: Position; more?: boolean }>;
  presence(channel: string): Promise<Member[]>;
}

/** `url`: of `SetHandler websocket-channels`. */
export function connectMany(url: string | URL, options?: ManyOptions): ManyClient;
