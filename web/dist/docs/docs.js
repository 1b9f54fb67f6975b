// Shows the contract of the server that the page came from. All addresses are
// relative, so it works under any path, and it asks no other server.
SwaggerUIBundle({
  dom_id: "#contract",
  url: "openapi.yaml",
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
});
