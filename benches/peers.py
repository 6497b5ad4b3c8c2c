PEERS = {}
def page(a,b): return []
