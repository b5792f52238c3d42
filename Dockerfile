# syntax=docker/dockerfile:1
# docker build -t killcord .
# docker run --name killcord --read-only -p 127.0.0.1:7411:7411 -v killcord-data:/data killcord
# docker exec killcord cat /data/admin.key
FROM node:24-slim AS build
WORKDIR /app
COPY . .
# What is linked there is the client library, which the server does not use.
RUN npm ci && npm prune --omit=dev --ignore-scripts && rm -rf node_modules/@killcord

FROM node:24-slim
ENV NODE_ENV=production KILLCORD_DATA=/data KILLCORD_LISTEN=0.0.0.0:7411
WORKDIR /app
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY --from=build /app/dist/gen ./dist/gen
COPY --from=build /app/dist/sdk ./dist/sdk
COPY --from=build /app/docs/openapi.json ./docs/openapi.json
COPY --from=build /app/scripts/healthcheck.mjs ./scripts/healthcheck.mjs
# The folder's owner becomes the volume's: the process must be able to write there and nowhere else.
RUN install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 7411
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "scripts/healthcheck.mjs"]
# In a container the published port is the boundary: publish it on a loopback address, or behind TLS.
ENTRYPOINT ["node", "dist/src/main.js"]
CMD ["serve", "--insecure"]
