/*
 * The floor: what reading slaves and publishing costs with the bare libraries. One thread, libmodbus and
 * Paho's async client; every second all slaves are read in one burst, a JSON array a slave goes out at
 * QoS 0. No time stamps, no qualities, no spool, no faults, no commands.
 *
 *   floor_agent MODBUS_PORT MQTT_PORT SLAVES REGISTERS
 *
 * Ends on SIGTERM and prints {"values": …}, the values it published.
 */
#include <MQTTAsync.h>
#include <modbus/modbus.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t over;

static void on_signal(int number)
{
    (void)number;
    over = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static MQTTAsync connect_broker(const char *port)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    struct timespec pause = {0, 10000000};
    MQTTAsync client;
    char url[64];

    snprintf(url, sizeof(url), "tcp://127.0.0.1:%s", port);
    if (MQTTAsync_create(&client, url, "floor", MQTTCLIENT_PERSISTENCE_NONE, NULL) ||
        MQTTAsync_connect(client, &options)) {
        die("no broker");
    }
    for (int i = 0; i < 500 && !MQTTAsync_isConnected(client); i++) {
        nanosleep(&pause, NULL);
    }
    return client;
}

static long long poll_slave(modbus_t *wire, MQTTAsync client, int slave, int registers)
{
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    uint16_t values[125];
    char topic[32], body[1024];
    int size = 0;

    modbus_set_slave(wire, slave);
    if (modbus_read_registers(wire, 0, registers, values) != registers) {
        return 0;
    }
    for (int i = 0; i < registers; i++) {
        size += snprintf(body + size, sizeof(body) - (size_t)size, "%c%u", i ? ',' : '[', values[i]);
    }
    body[size++] = ']';
    snprintf(topic, sizeof(topic), "floor/%d", slave);
    return MQTTAsync_send(client, topic, size, body, 0, 0, &response) ? 0 : registers;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct timespec next;
    long long values = 0;
    MQTTAsync client;
    modbus_t *wire;

    if (argc != 5) {
        fprintf(stderr, "usage: floor_agent MODBUS_PORT MQTT_PORT SLAVES REGISTERS\n");
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    client = connect_broker(argv[2]);
    wire = modbus_new_tcp("127.0.0.1", (int)strtol(argv[1], NULL, 10));
    if (!wire || modbus_connect(wire)) {
        die("no slaves");
    }
    puts("ready");
    fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!over) {
        for (int slave = 1; slave <= (int)strtol(argv[3], NULL, 10); slave++) {
            values += poll_slave(wire, client, slave, (int)strtol(argv[4], NULL, 10));
        }
        next.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    printf("{\"values\": %lld}\n", values);
    modbus_close(wire);
    modbus_free(wire);
    MQTTAsync_destroy(&client);
    return 0;
}
