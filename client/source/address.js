// Addresses, and requests about channels.

// Each part of a channel's name is a part of the path.
export function below(base, channel) {
  const url = new URL(base);
  const path = channel.split('/').map(encodeURIComponent).join('/');
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url.href;
}

const bytes = 'application/octet-stream';
const text = 'text/plain;charset=utf-8';  // no form of a page's could not send it: no preflight

// What a message is made of: text as it is, bytes as they are, anything else as JSON.
export function bodyOf(data) {
  if (typeof data === 'string') return { body: data, type: text };
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return { body: data, type: bytes };
  if (typeof Blob === 'function' && data instanceof Blob) return { body: data, type: bytes };
  return { body: JSON.stringify(data), type: text };
}

// The answer's JSON. Throws an Error with `status`, whose message is what the server says.
export async function ask(env, options, url, { method = 'GET', body, type } = {}) {
  for (let refused = false; ; refused = true) {
    const token = await options.token?.({ refused });
    const headers = {};
    if (type) headers['Content-Type'] = type;
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await env.fetch(url, {
      method, body, headers, credentials: options.credentials, cache: 'no-store',
    });
    if (response.ok) return response.json();
    if (response.status === 401 && token && !refused) continue;
    const said = (await response.text()).trim().slice(0, 1000);
    throw Object.assign(new Error(said || response.statusText), { status: response.status });
  }
}
