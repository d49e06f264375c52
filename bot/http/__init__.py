"""What the server offers over HTTP and websockets: REST, webhooks, media sockets."""
