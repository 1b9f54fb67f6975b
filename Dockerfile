# syntax=docker/dockerfile:1
# check=error=true

# The page; its bytes do not depend on the platform.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS page
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY openapi.yaml /src/
COPY web ./
RUN npm run build

# The binary, static, for the platform asked for. distroless has no shell to
# make a directory with, so /data is made here.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=page /src/web/dist web/dist
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags="-s -w -X larder/internal/buildinfo.version=$VERSION" \
    -o /larder ./cmd/larder && mkdir /data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /larder /larder
COPY --from=build --chown=nonroot:nonroot /data /data
# Reached from outside the container, so larder starts only with credentials
# configured, or with LARDER_ALLOW_ANONYMOUS=true where the operator means it.
ENV LARDER_LISTEN=0.0.0.0:8080
# Where nothing else is said, entries are in ./data/larder.db.
WORKDIR /
VOLUME /data
EXPOSE 8080
USER nonroot:nonroot
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --start-interval=1s \
    CMD ["/larder", "healthcheck"]
ENTRYPOINT ["/larder"]
CMD ["serve"]
