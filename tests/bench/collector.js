// The peer: mqtt.js into better-sqlite3, a row per reading, WAL, synchronous NORMAL, 1,000 messages a
// transaction. It judges nothing. Usage: collector.js PORT DATABASE SHAPE; SHAPE as flood.c has it.
// A line "ready" once it is subscribed; "stored N" after a pause, and at the end on SIGTERM.
'use strict'
const mqtt = require('mqtt')
const Database = require('better-sqlite3')
const [port, path, shape] = process.argv.slice(2)

const db = new Database(path)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = NORMAL')
db.exec('CREATE TABLE reading (dev TEXT, point TEXT, ts INTEGER, v REAL)')
const insert = db.prepare('INSERT INTO reading VALUES (?, ?, ?, ?)')
const begin = db.prepare('BEGIN')
const commit = db.prepare('COMMIT')
let waiting = 0
let stored = 0
let told = 0

function end () {
  if (waiting) {
    commit.run()
    waiting = 0
  }
}

function flat (message) {
  for (const point in message.p) {
    insert.run(message.dev, point, message.ts, message.p[point])
    stored++
  }
}

function nested (message) {
  for (const dev in message.equipment) {
    const points = message.equipment[dev]
    for (const point in points) {
      for (const reading of points[point]) {
        insert.run(dev, point, message.t0 + reading[0], reading[1])
        stored++
      }
    }
  }
}

const take = shape === 'flat' ? flat : nested
const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: 'peer', protocolVersion: 5 })
client.on('connect', () => client.subscribe('heliograph/1/+/data', { qos: 1 }, () => console.log('ready')))
client.on('message', (topic, payload) => {
  if (waiting === 0) begin.run()
  take(JSON.parse(payload.toString()))
  if (++waiting === 1000) end()
})
setInterval(() => {
  end()
  if (stored !== told) console.log(`stored ${told = stored}`)
}, 200)
process.on('SIGTERM', () => {
  end()
  db.close()
  process.exit(0)
})
