"""tests/golden/registers.txt by Python's struct: an oracle that shares no code with ours."""
import random, struct
random.seed(20261125)
def words_of(raw_bytes, order):
    words=[raw_bytes[i:i+2] for i in range(0,len(raw_bytes),2)]
    if order in("CDAB","DCBA"): words.reverse()
    if order in("BADC","DCBA"): words=[w[::-1] for w in words]
    return [int.from_bytes(w,"big") for w in words]
F={"int16":">h","uint16":">H","int32":">i","uint32":">I","int64":">q","uint64":">Q","float32":">f","float64":">d"}
out=[]
for kind,f in F.items():
    for order in("ABCD","CDAB","BADC","DCBA"):
        if kind.startswith("float"):
            values=[0.0,1.0,-1.0,71.5,-273.25,0.1,1e-30,3.25e30,-2.5e-12,123456.789]
        else:
            bits=int(kind[-2:]); signed=kind[0]=="i"
            lo,hi=(-(1<<bits-1),(1<<bits-1)-1) if signed else (0,(1<<bits)-1)
            values=[lo,hi,0,1,lo+1,hi//2]+[random.randint(lo,hi) for _ in range(6)]
        for v in values:
            b=struct.pack(f,v); back=struct.unpack(f,b)[0]
            out.append((kind,order,words_of(b,order),float(back)))
for kind,digits in(("bcd16",4),("bcd32",8)):
    for order in("ABCD","CDAB","BADC","DCBA"):
        for v in [0,9,10,10**digits-1]+[random.randrange(10**digits) for _ in range(4)]:
            out.append((kind,order,words_of(bytes.fromhex(str(v).zfill(digits)),order),float(v)))
print("# type order words value: made by tests/golden/registers.py with Python's struct")
for kind,order,words,v in out: print(kind,order,",".join("%04x"%w for w in words),v.hex())
