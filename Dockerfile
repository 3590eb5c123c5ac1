# syntax=docker/dockerfile:1
# The first stage bundles the operator into a few files, the last holds Node's binary, those files and
# nothing else: no npm, no node_modules, no shell scripts of ours. Runs as 65532 on a read-only root.
# Glibc here: the bundler's native part and npm's Node 24 are optional packages, and the latter does not run on musl.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json .rolldown.config.mjs ./
COPY schemas schemas
COPY src src
COPY manifests manifests
RUN npm run build

FROM node:24-alpine AS node

FROM alpine:3.22
RUN apk add --no-cache libstdc++ ca-certificates
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/dist /app
RUN install -d -o 65532 -g 65532 /app/compiled
USER 65532:65532
WORKDIR /app
# Left alone, Node takes half of a container's memory for its heap and fails there with the other half unused.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compiled NODE_OPTIONS=--max-old-space-size-percentage=70
# It ends for want of a cluster, when Node has compiled what every start loads: later starts read that.
RUN node nimbusguard.mjs run; test -n "$(ls compiled)"
EXPOSE 8000 8080 8082
ENTRYPOINT ["node", "/app/nimbusguard.mjs"]
CMD ["run"]
