<?php
// A chat's rules, asked by httpd (docs/hooks.md). Runs as it is: php -S 127.0.0.1:8001 chat.php
// Who is logged in has a session: $_SESSION['name']. Its cookie comes along.
function answer(int $status, array $json = []): never {
  http_response_code($status);
  header('Content-Type: application/json');
  exit(json_encode((object)$json));
}

// Is it httpd that asks, and now? (https://www.standardwebhooks.com)
$body = file_get_contents('php://input');
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
$time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
$signed = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", getenv('HOOK_SECRET'), true));
if (!hash_equals($signed, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') || abs(time() - (int)$time) > 300) answer(401);

$event = json_decode($body);
switch ($event->event) {
  case 'connect':
    session_start(['read_and_close' => true]);
    $name = $_SESSION['name'] ?? null;
    if ($name === null) answer(401, ['reason' => 'Please log in.']);
    answer(200, ['user' => $name, 'channels' => ["user-$name"], 'data' => "Welcome, $name"]);

  case 'subscribe':  // Ann's own channel is hers; what begins with "room-" is everybody's, who are seen there by name
    if ($event->channel === "user-$event->user") answer(200);
    if (str_starts_with($event->channel, 'room-')) answer(200, ['presence' => $event->user]);
    answer(403, ['reason' => 'This room is closed.']);

  case 'publish':  // everybody reads who it was
    if (!str_starts_with($event->channel, 'room-')) answer(403);
    if (trim($event->data) === '') answer(400, ['reason' => 'Say something.']);
    answer(200, ['data' => json_encode(['from' => $event->user, 'text' => $event->data])]);

  case 'message':  // "/join NAME" and "/tell NAME TEXT"
    if (preg_match('~^/join (\w+)$~', $event->data, $it))
      answer(200, ['subscribe' => ["room-$it[1]"], 'send' => ["You are in $it[1]."]]);
    if (preg_match('~^/tell (\w+) (.+)~', $event->data, $it))
      answer(200, ['channel' => "user-$it[1]", 'data' => "$event->user: $it[2]"]);
    answer(200, ['send' => ['What?']]);

  case 'disconnect':
    error_log("$event->user is gone after $event->duration_ms ms");
    answer(204);
}
answer(400);
