/* SPDX-License-Identifier: MIT */
import java.util.Arrays;
import org.zeromq.ZMQ;

/**
 * A peer on JeroMQ, with the words and the output of peers.py:
 *
 * <pre>JeroPeer ROLE ENDPOINT [NAME [COUNT]]</pre>
 *
 * Anything unexpected ends it with 1 and a stack trace. Started by test_jeromq.py.
 */
public final class JeroPeer {
    private static final int PATIENCE_MS = 30000;

    private final ZMQ.Context context = ZMQ.context(1);
    private final String endpoint;
    private final String name;
    private final long count;
    private ZMQ.Socket socket;

    private JeroPeer(String[] words) {
        endpoint = words[1];
        name = words.length > 2 ? words[2] : "";
        count = words.length > 3 ? Long.parseLong(words[3]) : 0;
    }

    public static void main(String[] words) {
        JeroPeer peer = new JeroPeer(words);
        peer.play(words[0]);
        peer.socket.close();
        peer.context.term();
        System.out.println("done " + peer.count);
    }

    private void play(String role) {
        switch (role) {
            case "rep": rep(); break;
            case "req": req(); break;
            case "push": push(); break;
            case "pull": pull(); break;
            case "pub": pub(); break;
            case "sub": sub(); break;
            case "sizes": sizes(); break;
            default: throw new IllegalArgumentException(role);
        }
    }

    private void open(int type) {
        socket = context.socket(type);
        socket.setSendTimeOut(PATIENCE_MS);
        socket.setReceiveTimeOut(count == 0 ? -1 : PATIENCE_MS);
        if (type == ZMQ.XPUB) {
            socket.setHWM(0);
        }
        socket.connect(endpoint);
        System.out.println("ready");
    }

    private boolean goesOn(long done) {
        return count == 0 || done < count;
    }

    private String receive() {
        byte[] part = socket.recv();
        check(part != null, "nothing came");
        return new String(part);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            System.err.println(what);
            System.exit(1);
        }
    }

    private void rep() {
        open(ZMQ.REP);
        for (long i = 0; goesOn(i); i++) {
            String request = receive();
            socket.send(name + ":" + request);
            System.out.println("served " + request);
        }
    }

    private void req() {
        open(ZMQ.REQ);
        for (long i = 0; goesOn(i); i++) {
            String question = name + "-" + i;
            socket.send(question);
            String answer = receive();
            check(answer.endsWith(":" + question), "asked " + question + " and got " + answer);
            if (i % 50 == 0) {
                System.out.println("asked " + i);
            }
        }
    }

    private void sendNumbers() {
        for (long i = 0; goesOn(i); i++) {
            check(socket.sendMore(name) && socket.send(Long.toString(i)), "not sent");
        }
    }

    private void receiveNumbers() {
        for (long i = 0; goesOn(i); i++) {
            String first = receive();
            String second = socket.hasReceiveMore() ? receive() : "";
            System.out.println("got " + first + " " + second);
        }
    }

    private void push() {
        open(ZMQ.PUSH);
        sendNumbers();
    }

    private void pull() {
        open(ZMQ.PULL);
        receiveNumbers();
    }

    private void pub() {
        open(ZMQ.XPUB);
        while (!receive().equals("\u0001" + name)) {
            continue;
        }
        sendNumbers();
    }

    private void sub() {
        open(ZMQ.SUB);
        socket.subscribe(name.getBytes());
        receiveNumbers();
    }

    private void sizes() {
        open(ZMQ.REQ);
        for (int size : new int[] {0, 1, 254, 255, 256, 8192, 65536, 1 << 20, 16 << 20}) {
            byte[] body = new byte[size];
            for (int i = 0; i < size; i++) {
                body[i] = (byte) (i * 31 + size);
            }
            socket.send(body);
            check(Arrays.equals(socket.recv(), body), size + " bytes came back changed");
            System.out.println("echoed " + size);
        }
    }
}
